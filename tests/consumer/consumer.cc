// All of the package at once: prints "7 from a job".

#include <cstdio>

#include <enjoin/executor.h>
#include <enjoin/pool.h>
#include <enjoin/shared.h>

static int add(int a, int b) {
  return a + b;
}
ENJOIN_FUNCTION(add);

int main(int argc, char** argv) {
  enjoin::worker_main(argc, argv);
  enjoin::Pool pool({.size = 1});
  enjoin::Executor executor;
  executor.add({.argv = {"echo", "from a job"}});
  if (!executor.wait_all()) return 1;
  const auto report = executor.try_take();
  if (!report) return 1;
  std::printf("%d %s", pool.submit(add, 3, 4).get(), report->out.c_str());
}
