// A host that knows nothing of enjoin at its start: loads the shared library ARGV[1] as a plug-in,
// runs a job with its executor (helpers in ARGV[2]), unloads it, all that twice, and prints what
// the job said.

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>

#include "enjoin/c.h"

namespace {

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "plugin_host: %s\n", what);
  std::exit(1);
}

template <class Function>
Function* find(void* library, const char* name) {
  void* found = ::dlsym(library, name);
  if (found == nullptr) give_up(name);
  return reinterpret_cast<Function*>(found);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) give_up("needs the library and the folder of its helpers");
  for (int round = 0; round < 2; ++round) {
    void* library = ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) give_up(::dlerror());
    enjoin_executor_options options{};
    options.helpers = argv[2];
    const auto error = find<decltype(enjoin_error)>(library, "enjoin_error");
    enjoin_executor* executor =
        find<decltype(enjoin_executor_new)>(library, "enjoin_executor_new")(&options);
    if (executor == nullptr) give_up(error());
    enjoin_command command{};
    command.shell_line = "echo from a job";
    if (find<decltype(enjoin_add)>(library, "enjoin_add")(executor, &command, nullptr) == 0) {
      give_up(error());
    }
    if (find<decltype(enjoin_wait_all)>(library, "enjoin_wait_all")(executor) != 1) {
      give_up("the job failed");
    }
    const auto* report = find<decltype(enjoin_take)>(library, "enjoin_take")(executor);
    if (report == nullptr) give_up("no report");
    std::fputs(report->out, stdout);
    find<decltype(enjoin_executor_free)>(library, "enjoin_executor_free")(executor);
    ::dlclose(library);
  }
  return 0;
}
