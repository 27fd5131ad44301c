#include "runner/pipe/block_feed.h"

#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include <sys/stat.h>

namespace enjoin {
namespace {

constexpr std::size_t kSpareBlocks = 2;

std::uint64_t file_size(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return 0;
  // A block device has no size there, and does not shrink.
  if (!S_ISREG(info.st_mode)) return std::numeric_limits<std::uint64_t>::max();
  return info.st_size > 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

}  // namespace

void name_input_file(Batch* batch) {
  constexpr std::string_view kName{"$PARALLEL_TMP\0", 14};
  batch->bytes.clear();
  batch->values = std::max(batch->values, 1U);
  for (std::uint32_t i = 0; i < batch->values; ++i) batch->bytes += kName;
}

void set_no_arguments(Batch* batch) {
  batch->bytes.assign(1, '\0');
  batch->values = 1;
  batch->columns = 1;
}

BlockFeed::BlockFeed(const Options& options, std::unique_ptr<BlockSource> blocks, FeedSetup setup)
    : blocks_(std::move(blocks)),
      setup_(std::move(setup)),
      in_file_(options.pipe.cat || options.pipe.fifo),
      counts_sent_(options.pipe.mode == PipeSpec::Mode::kPipe),
      reuses_memory_(options.output != OutputMode::kUngroup) {}

bool BlockFeed::full() const {
  return in_memory_ >= std::size_t{setup_.workers} + kSpareBlocks;
}

Pull BlockFeed::pull(Batch* batch) {
  would_block_ = false;
  if (full()) return Pull::kWouldBlock;  // until a job ends
  if (std::exchange(has_pulled_, false)) blocks_->recycle(std::move(pulled_));
  pulled_ = Block{};
  const Pull pulled = blocks_->pull(&pulled_);
  would_block_ = pulled == Pull::kWouldBlock;
  if (pulled != Pull::kRecord) return pulled;
  has_pulled_ = true;
  if (arguments_ended_ || setup_.arguments->pull(batch) != Pull::kRecord) {
    arguments_ended_ = true;
    set_no_arguments(batch);
  }
  if (in_file_) name_input_file(batch);
  return Pull::kRecord;
}

void BlockFeed::keep(std::uint64_t seq) {
  has_pulled_ = false;
  if (pulled_.kind == Block::Kind::kMemory) ++in_memory_;
  kept_.insert_or_assign(seq, Kept{std::move(pulled_)});
}

std::size_t BlockFeed::wait_fds(bool more_jobs, int* fds) const {
  if (!more_jobs || !would_block_) return 0;
  *fds = blocks_->wait_fd();
  return 1;
}

std::optional<std::chrono::steady_clock::time_point> BlockFeed::deadline() const {
  return would_block_ ? blocks_->deadline() : std::nullopt;
}

StdinSource BlockFeed::stdin_of(const Job& job) {
  const auto found = kept_.find(job.id.seq);
  if (found == kept_.end()) return StdinSource::failed(EIO);
  const Block& block = found->second.block;
  if (block.kind == Block::Kind::kRange) return range_source(block);
  StdinSource source;
  source.add(block.memory.fd(), {0, block.length});
  return source;
}

StdinSource BlockFeed::range_source(const Block& block) {
  const int file = block.file->get();
  StdinSource source;
  if (block.header) source.add(header_fd(block.header), {0, block.header->size()});
  source.add(file, {block.offset, block.length});
  return source;
}

int BlockFeed::header_fd(const std::shared_ptr<const std::string>& header) {
  BlockMemory& memory = headers_[header];
  if (!memory) {
    memory = BlockMemory(header->size());
    memory.resize(header->size());
    std::memcpy(memory.data(), header->data(), header->size());
  }
  return memory.fd();
}

// Found once: a job whose end was acted upon must not turn out to be another's.
void BlockFeed::check(JobResult* result) {
  const auto found = kept_.find(result->job.id.seq);
  if (found == kept_.end()) return;
  Kept& kept = found->second;
  if (!kept.intact) {
    const bool can_shrink = kept.block.kind == Block::Kind::kRange;
    kept.intact =
        !result->input_short &&
        (!can_shrink || file_size(kept.block.file->get()) >= kept.block.offset + kept.block.length);
  }
  const bool ended = std::holds_alternative<Exited>(result->outcome) ||
                     std::holds_alternative<Signaled>(result->outcome);
  if (!*kept.intact && ended) result->outcome = InputShrank{};
}

std::uint64_t BlockFeed::sent(std::uint64_t seq) const {
  const auto found = kept_.find(seq);
  if (!counts_sent_ || found == kept_.end()) return 0;
  const Block& block = found->second.block;
  const bool has_header = block.kind == Block::Kind::kRange && block.header;
  return block.length + (has_header ? block.header->size() : 0);
}

void BlockFeed::finish(const JobResult& result) {
  const auto found = kept_.find(result.job.id.seq);
  if (found == kept_.end()) return;
  Block block = std::move(found->second.block);
  kept_.erase(found);
  if (block.kind != Block::Kind::kMemory) return;
  --in_memory_;
  // A process that the job left behind may still read it.
  const bool unread = !result.left_processes && (std::holds_alternative<Exited>(result.outcome) ||
                                                 std::holds_alternative<Signaled>(result.outcome));
  if (unread && reuses_memory_) blocks_->recycle(std::move(block));
}

}  // namespace enjoin
