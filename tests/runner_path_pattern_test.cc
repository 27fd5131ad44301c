#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runner/pipeline/path_pattern.h"
#include "support/folder.h"

using namespace enjoin;
using Paths = std::vector<std::string>;

namespace {

/// A few files in folders.
class Tree : public test::Folder {
 public:
  Tree() {
    std::filesystem::create_directories(at("src/deep/er"));
    std::filesystem::create_directories(at(".git"));
    for (const char* const name : {"a.c", "b.c", "B.c", ".hidden.c", "src/c.c", "src/deep/d.c",
                                   "src/deep/er/e.c", ".git/x.c", "s[1].c", "star*.c"}) {
      write(name, "");
    }
    std::filesystem::create_directory_symlink(at("src"), at("link"));
    std::filesystem::create_symlink("nowhere", at("dangling"));
  }
  Paths matching(const std::string& pattern) const { return matching_paths(pattern, path()); }
};

}  // namespace

TEST_CASE("path pattern: wildcards match names, sorted by bytes, hidden ones left out") {
  const Tree tree;
  CHECK(tree.matching("*.c") == Paths{"B.c", "a.c", "b.c", "s[1].c", "star*.c"});
  CHECK(tree.matching("[ab].c") == Paths{"a.c", "b.c"});
  CHECK(tree.matching("?.c") == Paths{"B.c", "a.c", "b.c"});
  CHECK(tree.matching(".*.c") == Paths{".hidden.c"});
  CHECK(tree.matching("*/c.c") == Paths{"link/c.c", "src/c.c"});
  CHECK(tree.matching("nothing*").empty());
  CHECK(tree.matching("").empty());
}

TEST_CASE("path pattern: a path without wildcards is there or not") {
  const Tree tree;
  CHECK(tree.matching("src/c.c") == Paths{"src/c.c"});
  CHECK(tree.matching("src//c.c") == Paths{"src/c.c"});
  CHECK(tree.matching("src/x.c").empty());
  CHECK(tree.matching("dangling") == Paths{"dangling"});
  CHECK(tree.matching(tree.path() + "/a.c") == Paths{tree.path() + "/a.c"});
}

TEST_CASE("path pattern: a slash at the end asks for folders") {
  const Tree tree;
  CHECK(tree.matching("*/") == Paths{"link/", "src/"});
  CHECK(tree.matching("a.c/").empty());
}

TEST_CASE("path pattern: ** stands for any folders, not through links") {
  const Tree tree;
  CHECK(tree.matching("src/**/*.c") == Paths{"src/c.c", "src/deep/d.c", "src/deep/er/e.c"});
  CHECK(tree.matching("**/e.c") == Paths{"src/deep/er/e.c"});
  CHECK(tree.matching("src/**") ==
        Paths{"src/c.c", "src/deep", "src/deep/d.c", "src/deep/er", "src/deep/er/e.c"});
}

TEST_CASE("path pattern: what is escaped stands for itself") {
  const Tree tree;
  for (const std::string name : {"s[1].c", "star*.c", "a.c"}) {
    CHECK(tree.matching(escaped_pattern(name)) == Paths{name});
    CHECK(!has_wildcard(escaped_pattern(name)));
    CHECK(tree.matching("[sa]" + escaped_pattern(name.substr(1))) == Paths{name});
  }
}
