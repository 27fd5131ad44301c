#include <array>
#include <random>
#include <string>
#include <string_view>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/blocks.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

/// A pipe as stdin that a test writes to as it likes.
class PipedBlocks {
 public:
  explicit PipedBlocks(PipeSpec spec) {
    std::array<int, 2> ends;
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
    spec.mode = PipeSpec::Mode::kPipe;
    source_ = open_blocks(spec, {}, read_end_.get(), {});
  }
  void write(std::string_view bytes) {
    REQUIRE(::write(write_end_.get(), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
  }
  void close() { write_end_.reset(); }

  /// The next block; "(wait)" and "(end)" where there is none.
  std::string pull() {
    Block block;
    switch (source_->pull(&block)) {
      case Pull::kWouldBlock:
        return "(wait)";
      case Pull::kEnd:
        return "(end)";
      case Pull::kRecord:
        break;
    }
    return text_of(block);
  }
  BlockSource& source() { return *source_; }

 private:
  ipc::UniqueFd read_end_;
  ipc::UniqueFd write_end_;
  std::unique_ptr<BlockSource> source_;
};

}  // namespace

TEST_CASE("stream: a block is waited for until it is full") {
  PipeSpec spec;
  spec.block_bytes = 6;
  PipedBlocks blocks(spec);
  CHECK(blocks.pull() == "(wait)");
  blocks.write("a\nb");
  CHECK(blocks.pull() == "(wait)");
  blocks.write("\nc\nd\ne");
  CHECK(blocks.pull() == "a\nb\nc\n");
  CHECK(blocks.pull() == "(wait)");
  blocks.close();
  CHECK(blocks.pull() == "d\ne");
  CHECK(blocks.pull() == "(end)");
  CHECK(blocks.pull() == "(end)");
}

TEST_CASE("stream: -N does not wait for more than its records") {
  PipeSpec spec;
  spec.records_per_block = 2;
  PipedBlocks blocks(spec);
  blocks.write("a\nb\nc\nd\ne");
  CHECK(blocks.pull() == "a\nb\n");
  CHECK(blocks.pull() == "c\nd\n");
  CHECK(blocks.pull() == "(wait)");
  blocks.write("\n");
  CHECK(blocks.pull() == "(wait)");
  blocks.write("f\n");
  CHECK(blocks.pull() == "e\nf\n");
  blocks.close();
  CHECK(blocks.pull() == "(end)");
}

TEST_CASE("stream: separators may come in pieces") {
  PipeSpec spec;
  spec.record_end = "END";
  spec.record_start = "BEGIN";
  spec.records_per_block = 1;
  const std::string text = "BEGIN1ENDBEGIN2EENDBEGBEGIN3ENDBEGIN";
  PipedBlocks blocks(spec);
  Texts got;
  for (const char c : text) {
    blocks.write(std::string(1, c));
    std::string text_got = blocks.pull();
    if (text_got != "(wait)") got.push_back(text_got);
  }
  blocks.close();
  for (std::string last; (last = blocks.pull()) != "(end)";) got.push_back(last);
  CHECK(got == Texts{"BEGIN1END", "BEGIN2EENDBEGBEGIN3END", "BEGIN"});
}

TEST_CASE("stream: when --block-timeout is over, whole records are handed out") {
  for (const std::uint64_t records : {0U, 10U}) {
    PipeSpec spec;
    spec.block_timeout = std::chrono::nanoseconds(1);
    spec.records_per_block = records;
    PipedBlocks blocks(spec);
    CHECK(blocks.pull() == "(wait)");
    CHECK_FALSE(blocks.source().deadline());
    blocks.write("a\nb\nc");
    std::string text = blocks.pull();
    if (text == "(wait)") text = blocks.pull();  // The nanosecond may not have been over.
    CHECK(text == "a\nb\n");
    blocks.write("d\n");
    text = blocks.pull();
    if (text == "(wait)") text = blocks.pull();
    CHECK(text == "cd\n");
    blocks.write("no end");
    CHECK(blocks.pull() == "(wait)");
    CHECK(blocks.pull() == "(wait)");
    blocks.close();
    CHECK(blocks.pull() == "no end");
    CHECK(blocks.pull() == "(end)");
  }
}

TEST_CASE("stream: the deadline is there while a block is open") {
  PipeSpec spec;
  spec.block_timeout = std::chrono::hours(1);
  PipedBlocks blocks(spec);
  blocks.write("a\n");
  CHECK(blocks.pull() == "(wait)");
  CHECK(blocks.source().deadline());
}

TEST_CASE("stream: blocks put together are the input, and end where records end") {
  std::mt19937 random(1);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (unsigned size = below(400); text.size() < size;) text += "ab\n;"[below(4)];
    PipeSpec spec;
    spec.block_bytes = 1 + below(60);
    spec.record_end = std::array{"\n", ";", "a\n", "b;a"}[below(4)];
    spec.records_per_block = below(2) * (1 + below(4));
    spec.regex = below(2) == 0;
    if (below(3) == 0) spec.lines_per_record = 1 + below(3);
    PipedBlocks blocks(spec);
    Texts got;
    for (std::size_t done = 0; done < text.size();) {
      const std::size_t size = std::min<std::size_t>(text.size() - done, 1 + below(50));
      blocks.write(text.substr(done, size));
      done += size;
      for (std::string block; (block = blocks.pull()) != "(wait)";) got.push_back(block);
    }
    blocks.close();
    for (std::string block; (block = blocks.pull()) != "(end)";) got.push_back(block);
    CAPTURE(text);
    CHECK(joined(got) == text);
    const std::string end = spec.lines_per_record > 0 ? "\n" : spec.record_end;
    for (std::size_t i = 0; i + 1 < got.size(); ++i) CHECK(got[i].ends_with(end));
    // However it came in, it is cut in the same places.
    CHECK(blocks_of(spec, text) == got);
    if (spec.records_per_block == 0) CHECK(ranges_of(spec, text) == got);
  }
}
