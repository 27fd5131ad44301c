// A host that knows nothing of enjoin: loads the plug-in ARGV[1], has it add up squares in a pool
// whose workers are ARGV[2], unloads it, all that twice, and prints the sums.

#include <cstdio>
#include <dlfcn.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  for (int round = 0; round < 2; ++round) {
    void* const plugin = ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    void* const found = plugin != nullptr ? ::dlsym(plugin, "plugin_sum") : nullptr;
    if (found == nullptr) {
      std::fprintf(stderr, "%s\n", ::dlerror());
      return 1;
    }
    std::printf("%ld\n", reinterpret_cast<long (*)(const char*, int)>(found)(argv[2], 100));
    ::dlclose(plugin);
  }
  return 0;
}
