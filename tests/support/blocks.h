#pragma once

#include <cstdio>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "ipc/unique_fd.h"
#include "runner/pipe/block_source.h"

namespace enjoin::test {

using Texts = std::vector<std::string>;

/// A file without a name that holds `bytes`, at its start.
inline ipc::UniqueFd file_of(std::string_view bytes) {
  ipc::UniqueFd file(::memfd_create("input", MFD_CLOEXEC));
  REQUIRE(file);
  REQUIRE(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
  return file;
}

/// What a job that gets `block` reads.
inline std::string text_of(const Block& block) {
  std::string text;
  if (block.kind == Block::Kind::kRange && block.header) text = *block.header;
  const int fd = block.kind == Block::Kind::kRange ? block.file->get() : block.memory.fd();
  std::string data(static_cast<std::size_t>(block.length), '?');
  REQUIRE(::pread(fd, data.data(), data.size(), static_cast<off_t>(block.offset)) ==
          static_cast<ssize_t>(data.size()));
  if (block.kind == Block::Kind::kMemory)
    REQUIRE(::lseek(fd, 0, SEEK_END) == static_cast<off_t>(block.length));
  return text + data;
}

/// Reads a source that never waits to its end. Every other block is given back.
inline Texts read_blocks(BlockSource& source) {
  Texts texts;
  Block block;
  for (;;) {
    const Pull pull = source.pull(&block);
    if (pull == Pull::kEnd) return texts;
    if (pull == Pull::kWouldBlock) continue;
    texts.push_back(text_of(block));
    CHECK(block.number == texts.size());
    if (texts.size() % 2 == 0) source.recycle(std::move(block));
  }
}

/// The blocks of a file that is stdin, read.
inline Texts blocks_of(PipeSpec spec, std::string_view bytes, const InputSpec& input = {},
                       bool ranges = false) {
  spec.mode = PipeSpec::Mode::kPipe;
  const ipc::UniqueFd file = file_of(bytes);
  return read_blocks(*open_blocks(spec, input, file.get(), {.workers = 2, .ranges = ranges}));
}

/// The same, not read but cut where that can be done.
inline Texts ranges_of(PipeSpec spec, std::string_view bytes, const InputSpec& input = {}) {
  return blocks_of(std::move(spec), bytes, input, true);
}

/// The numbers `from` to `to`, one a line.
inline std::string seq(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += std::to_string(i) + '\n';
  return text;
}

inline std::string joined(const Texts& texts) {
  std::string all;
  for (const std::string& text : texts) all += text;
  return all;
}

}  // namespace enjoin::test
