#include "runner/pipe/filled_blocks.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <unistd.h>

#include "enjoin/error.h"

namespace enjoin {
namespace {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\n\r\f\v") == std::string_view::npos;
}

bool is_blank(const Block& block) {
  if (block.kind == Block::Kind::kMemory) return is_blank(block.bytes().substr(block.header_bytes));
  char buffer[4096];
  for (std::uint64_t done = 0; done < block.length;) {
    const std::uint64_t size = std::min<std::uint64_t>(sizeof buffer, block.length - done);
    const ssize_t count = ::pread(block.file->get(), buffer, static_cast<std::size_t>(size),
                                  static_cast<off_t>(block.offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error("cannot read the input", errno);
    if (count == 0) break;  // Who feeds the job says that the file has become shorter.
    if (!is_blank(std::string_view(buffer, static_cast<std::size_t>(count)))) return false;
    done += static_cast<std::uint64_t>(count);
  }
  return true;
}

}  // namespace

Pull FilledBlocks::pull(Block* block) {
  for (;;) {
    const Pull pull = source_->pull(block);
    if (pull != Pull::kRecord) return pull;
    if (!is_blank(*block)) {
      block->number = ++number_;
      return pull;
    }
    source_->recycle(std::move(*block));
  }
}

}  // namespace enjoin
