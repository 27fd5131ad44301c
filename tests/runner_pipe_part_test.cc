#include <cstdio>
#include <random>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "enjoin/error.h"
#include "support/blocks.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

SourceSpec named(std::string path) {
  return {.kind = SourceSpec::Kind::kFile, .arguments = {}, .path = std::move(path)};
}

/// A file that has a name as long as the object lives.
class NamedFile {
 public:
  explicit NamedFile(std::string_view bytes) : file_(file_of(bytes)) {}
  SourceSpec source() const { return named("/proc/self/fd/" + std::to_string(file_.get())); }
  void truncate(off_t size) const { REQUIRE(::ftruncate(file_.get(), size) == 0); }

 private:
  ipc::UniqueFd file_;
};

std::unique_ptr<BlockSource> open_parts(PipeSpec spec, std::vector<SourceSpec> files,
                                        std::uint32_t workers, bool ranges = true,
                                        InputSpec input = {}) {
  spec.mode = PipeSpec::Mode::kPart;
  input.sources = std::move(files);
  return open_blocks(spec, input, {.workers = workers, .ranges = ranges});
}

Texts parts_of(const PipeSpec& spec, std::string_view bytes, std::uint32_t workers = 1) {
  const NamedFile file(bytes);
  const Texts parts = read_blocks(*open_parts(spec, {file.source()}, workers));
  CHECK(read_blocks(*open_parts(spec, {file.source()}, workers, false)) == parts);
  return parts;
}

PipeSpec by_size(std::uint64_t bytes, std::string end = "\n", std::string start = "") {
  PipeSpec spec;
  spec.block_bytes = bytes;
  spec.record_end = std::move(end);
  spec.record_start = std::move(start);
  return spec;
}

PipeSpec by_share(std::uint32_t blocks_per_worker) {
  PipeSpec spec;
  spec.blocks_per_worker = blocks_per_worker;
  return spec;
}

}  // namespace

// Where GNU parallel cuts was observed of release 20221122.

TEST_CASE("parts: each is cut behind the first record that ends at or behind --block") {
  CHECK(parts_of(by_size(10), seq(1, 20)) ==
        Texts{seq(1, 6), seq(7, 11), seq(12, 15), seq(16, 19), "20\n"});
  CHECK(parts_of(by_size(1), seq(1, 3)) == Texts{"1\n", "2\n", "3\n"});
  CHECK(parts_of(by_size(4), seq(1, 10)) == Texts{seq(1, 3), seq(4, 6), seq(7, 9), "10\n"});
  CHECK(parts_of(by_size(2), "a\nb\nc") == Texts{"a\nb\n", "c"});
  CHECK(parts_of(by_size(3), std::string(33, 'a') + "\nb\nc\n") ==
        Texts{std::string(33, 'a') + "\n", "b\nc\n"});
  CHECK(parts_of(by_size(5), "").empty());
}

TEST_CASE("parts: a size larger than any file is one part") {
  CHECK(parts_of(by_size(~std::uint64_t{0}), "foo\n") == Texts{"foo\n"});
}

TEST_CASE("parts: so many for each worker") {
  CHECK(parts_of(by_share(1), seq(1, 20)) == Texts{seq(1, 20)});
  CHECK(parts_of(by_share(1), seq(1, 20), 3) == Texts{seq(1, 10), seq(11, 17), seq(18, 20)});
  CHECK(parts_of(by_share(3), seq(1, 20)) == Texts{seq(1, 10), seq(11, 17), seq(18, 20)});
  CHECK(parts_of(by_share(2), seq(1, 20), 3) ==
        Texts{seq(1, 5), seq(6, 10), seq(11, 14), seq(15, 18), seq(19, 20)});
  const NamedFile first(seq(1, 20));
  const NamedFile second(seq(1, 10));
  CHECK(read_blocks(*open_parts(by_share(1), {first.source(), second.source()}, 2)) ==
        Texts{seq(1, 16), seq(17, 20), seq(1, 10)});
}

TEST_CASE("parts: other separators") {
  CHECK(parts_of(by_size(4, "X"), "aXbXcXdXeXf") == Texts{"aXbXcX", "dXeXf"});
  CHECK(parts_of(by_size(3, "", "X"), "XaXbXcXdXeXf") == Texts{"XaXb", "XcXd", "XeXf"});
  CHECK(parts_of(by_size(4, "", "X"), "XaXbXcXdXeXf") == Texts{"XaXb", "XcXd", "XeXf"});
  CHECK(parts_of(by_size(4, "Y", "X"), "XaYXbYXcYXdY") == Texts{"XaYXbY", "XcYXdY"});
  CHECK(parts_of(by_size(7, "Y", "X"), "XaYXbYXcYXdYXeYXfY") == Texts{"XaYXbYXcY", "XdYXeYXfY"});
  CHECK(parts_of(by_size(4, ""), seq(1, 4)) == Texts{"1\n2\n", "3\n4\n"});
  PipeSpec spec = by_size(4, "[XZ]");
  spec.regex = true;
  CHECK(parts_of(spec, "aXbXcZdXeXf") == Texts{"aXbXcZ", "dXeXf"});
  spec = by_size(4, "X");
  spec.remove_separator = true;
  CHECK(parts_of(spec, "aXbXcXdXeXf") == Texts{"abc", "def"});
}

TEST_CASE("parts: each file's header goes to its parts") {
  PipeSpec spec = by_size(8);
  spec.header = ":";
  const NamedFile first(seq(1, 10));
  const NamedFile second("a\nb\nc");
  CHECK(read_blocks(*open_parts(spec, {first.source(), second.source()}, 1)) ==
        Texts{"1\n2\n3\n4\n5\n6\n", "1\n7\n8\n9\n10\n", "a\nb\nc"});
  spec.header = "1\n2\n3\n";
  CHECK(parts_of(spec, seq(1, 9)) == Texts{seq(1, 8), seq(1, 3) + "9\n"});
}

TEST_CASE("parts: --csv and --skip-first-line") {
  InputSpec input;
  input.csv = true;
  input.skip_first_line = true;
  const NamedFile file("gone\na,\"b\nc\"\nd,e\n\"\n\",f\n");
  CHECK(read_blocks(*open_parts(by_size(3), {file.source()}, 1, true, input)) ==
        Texts{"a,\"b\nc\"\n", "d,e\n", "\"\n\",f\n"});
}

TEST_CASE("parts: records longer than what is read at once") {
  const std::string giant = std::string(300'000, 'x') + "END";
  CHECK(parts_of(by_size(10, "END"), giant + giant + "x") == Texts{giant, giant, "x"});
  PipeSpec spec = by_size(10, "E[N]D");
  spec.regex = true;
  CHECK(parts_of(spec, giant + giant + "x") == Texts{giant, giant, "x"});
}

TEST_CASE("parts: put together they are the file, and end where records end") {
  std::mt19937 random(2);
  for (int round = 0; round < 100; ++round) {
    std::string text;
    for (const std::size_t size = random() % 60'000; text.size() < size;)
      text += std::string(random() % (round % 2 == 0 ? 20 : 9000), 'x') + '\n';
    const PipeSpec spec = by_size(1 + random() % 5000);
    const Texts parts = parts_of(spec, text);
    CHECK(joined(parts) == text);
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      CHECK(parts[i].ends_with('\n'));
      CHECK(parts[i].size() > spec.block_bytes);
    }
  }
}

TEST_CASE("parts: a file that became shorter is told of") {
  const NamedFile file(seq(1, 100));
  const auto source = open_parts(by_size(20), {file.source()}, 1);
  Block block;
  CHECK(source->pull(&block) == Pull::kRecord);
  file.truncate(30);
  CHECK_THROWS_WITH_AS(source->pull(&block), doctest::Contains("has become shorter"), Error);
}

TEST_CASE("parts: what cannot be cut is refused at once") {
  CHECK_THROWS_WITH_AS(open_parts(by_size(5), {named("/no such file")}, 1),
                       doctest::Contains("/no such file"), Error);
  CHECK_THROWS_WITH_AS(open_parts(by_size(5), {named("/dev/null")}, 1),
                       doctest::Contains("neither a file nor a block device"), Error);
  CHECK_THROWS_AS(open_parts(by_size(5), {named("/")}, 1), Error);
  CHECK_THROWS_AS(open_parts(by_size(5), {named("-")}, 1), UsageError);
  CHECK_THROWS_AS(open_parts(by_size(5), {}, 1), UsageError);
  PipeSpec spec;
  spec.records_per_block = 1;
  CHECK_THROWS_AS(open_parts(spec, {named("/etc/passwd")}, 1), UsageError);
  spec = {};
  spec.lines_per_record = 1;
  CHECK_THROWS_AS(open_parts(spec, {named("/etc/passwd")}, 1), UsageError);
}
