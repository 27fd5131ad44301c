#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>

#include "runner/memory_budget.h"

using namespace enjoin;

namespace {

/// A made-up /proc and /sys.
class Tree {
 public:
  Tree() {
    char name[] = "/tmp/memory_budget_XXXXXX";
    root = ::mkdtemp(name);
    write("/proc/meminfo", "MemFree: 5 kB\nMemTotal:       1000 kB\nBuffers: 1 kB\n");
  }
  ~Tree() { std::filesystem::remove_all(root); }
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  }

  std::string root;
};

}  // namespace

TEST_CASE("memory budget: without a cgroup's limit it is the machine's memory") {
  const Tree tree;
  CHECK(memory_budget(tree.root) == 1000 * 1024);
  tree.write("/proc/self/cgroup", "0::/\n");
  tree.write("/sys/fs/cgroup/a/memory.max", "5\n");
  CHECK(memory_budget(tree.root) == 1000 * 1024);
}

TEST_CASE("memory budget: the smallest limit of our cgroup and those above it counts") {
  const Tree tree;
  tree.write("/proc/self/cgroup", "1:name=systemd:/x\n0::/a/b\n");
  tree.write("/sys/fs/cgroup/a/b/memory.max", "max\n");
  tree.write("/sys/fs/cgroup/a/memory.max", "4096\n");
  CHECK(memory_budget(tree.root) == 4096);
  tree.write("/sys/fs/cgroup/a/b/memory.max", "100\n");
  CHECK(memory_budget(tree.root) == 100);
}
