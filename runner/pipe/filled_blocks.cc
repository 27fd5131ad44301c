#include "runner/pipe/filled_blocks.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <unistd.h>

#include "enjoin/error.h"

namespace enjoin {
namespace {

bool is_space(std::string_view text) {
  return text.find_first_not_of(" \t\n\r\f\v") == std::string_view::npos;
}

}  // namespace

FilledBlocks::FilledBlocks(std::unique_ptr<BlockSource> source, const PipeSpec& spec)
    : source_(std::move(source)) {
  const bool by_lines = spec.lines_per_record > 0 || is_space(spec.record_start + spec.record_end);
  if (!by_lines && !spec.remove_separator) remover_ = make_remover(spec);
}

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

bool FilledBlocks::is_blank(const Block& block) {
  if (block.kind == Block::Kind::kMemory)
    return is_blank_text(block.bytes().substr(block.header_bytes));
  // A part that is blank but for its separators is none that is large.
  std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(block.length, 64 << 10)), 0);
  for (std::uint64_t done = 0; done < block.length;) {
    const std::uint64_t size = std::min<std::uint64_t>(text.size(), block.length - done);
    const ssize_t count = ::pread(block.file->get(), text.data(), static_cast<std::size_t>(size),
                                  static_cast<off_t>(block.offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error("cannot read the input", errno);
    if (count == 0) break;  // Who feeds the job says that the file has become shorter.
    if (!is_blank_text(std::string_view(text.data(), static_cast<std::size_t>(count))))
      return false;
    done += static_cast<std::uint64_t>(count);
  }
  return true;
}

bool FilledBlocks::is_blank_text(std::string_view text) {
  if (is_space(text)) return true;
  if (!remover_) return false;
  std::string kept(text);
  kept.resize(remover_->remove(kept.data(), kept.size()));
  return is_space(kept);
}

}  // namespace enjoin
