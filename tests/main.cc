#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "enjoin/pool.h"

int main(int argc, char** argv) {
  enjoin::worker_main(argc, argv);  // workers of the pools that tests make are this program
  return doctest::Context(argc, argv).run();
}
