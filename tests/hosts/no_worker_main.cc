// A host that forgets worker_main(): its pool's workers would be hosts again, without end.

#include <cstdio>

#include "enjoin/pool.h"

static int twice(int x) {
  return 2 * x;
}

int main() {
  try {
    enjoin::Pool pool({.size = 2});
    std::printf("%d\n", pool.submit<twice>(1).get());
  } catch (const enjoin::Error& error) {
    std::printf("%s\n", error.what());
    return 3;
  }
  return 0;
}
