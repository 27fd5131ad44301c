#include "worker/worker_main.h"

int main(int argc, char** argv) {
  return enjoin::worker_program(argc, argv);
}
