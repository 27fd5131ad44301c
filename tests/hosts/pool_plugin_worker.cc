// The workers of pool_plugin.cc: loads it, from beside itself, and gives it the process.

#include <cstdio>
#include <dlfcn.h>
#include <string>

int main(int argc, char** argv) {
  const std::string self = argv[0];
  void* const plugin =
      ::dlopen((self.substr(0, self.rfind('/') + 1) + "pool_plugin.so").c_str(), RTLD_NOW);
  void* const found = plugin != nullptr ? ::dlsym(plugin, "plugin_worker_main") : nullptr;
  if (found != nullptr) reinterpret_cast<void (*)(int, char**)>(found)(argc, argv);
  std::fprintf(stderr, "pool_plugin_worker: only for pool_plugin.so\n");
  return 1;
}
