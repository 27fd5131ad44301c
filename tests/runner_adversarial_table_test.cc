// The table of hostile jobs in docs/reliability.md: all rows are there, and each names a test that
// exists.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("reliability: each of the 48 rows of hostile jobs names a test case that is there") {
  const fs::path tests = ENJOIN_TEST_DIR;
  std::string sources;
  for (const fs::directory_entry& entry : fs::directory_iterator(tests)) {
    if (entry.path().string().ends_with("_test.cc")) sources += text_of(entry.path());
  }
  const std::string text = text_of(tests.parent_path() / "docs" / "reliability.md");
  int rows = 0;
  int isolated = 0;
  std::istringstream lines(text.substr(text.find("## Adversarial jobs")));
  for (std::string line; std::getline(lines, line) && !line.starts_with("## Jobs in");) {
    const std::string number = std::to_string(rows + 1);
    if (!line.starts_with("| " + number + " | ")) continue;
    ++rows;
    if (line.find("| with `--isolate=pid` |") != std::string::npos) ++isolated;
    const std::size_t begin = line.find("`adversarial " + number + ": ");
    CAPTURE(line);
    REQUIRE(begin != std::string::npos);
    const std::string name = line.substr(begin + 1, line.find('`', begin + 1) - begin - 1);
    CHECK(sources.find('"' + name + "\") {") != std::string::npos);
  }
  CHECK(rows == 48);
  CHECK(text.find("**" + std::to_string(48 - isolated) + " of 48 hold as they are, the other " +
                  std::to_string(isolated) + " with") != std::string::npos);
}
