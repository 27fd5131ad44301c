#include "runner/pipe/fan_feed.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>

#include "runner/pipe/block_feed.h"

namespace enjoin {
namespace {

constexpr std::size_t kMostWaiting = 2;  // blocks, for each job
// Between two looks at signals and ended jobs.
constexpr std::uint64_t kMostAtOnce = 4 << 20;
constexpr int kMostRounds = 16;

}  // namespace

FanFeed::FanFeed(const Options& options, const InputSpec& data, std::unique_ptr<BlockSource> blocks,
                 FeedSetup setup)
    : way_(options.pipe.round_robin ? Way::kRoundRobin
           : options.pipe.tee       ? Way::kTee
                                    : Way::kRoute),
      in_file_(options.pipe.cat || options.pipe.fifo),
      counts_sent_(options.pipe.mode == PipeSpec::Mode::kPipe && way_ != Way::kTee),
      blocks_(std::move(blocks)),
      setup_(std::move(setup)),
      poll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!poll_) throw system_error("cannot make an epoll descriptor", errno);
  if (way_ == Way::kRoute) {
    router_ = std::make_unique<RecordRouter>(options.pipe, data, setup_.workers);
  }
}

// ---- jobs --------------------------------------------------------------------------------------

// All of them run at once, so their arguments are read first.
void FanFeed::count_jobs() {
  counted_ = true;
  for (Batch batch; setup_.arguments->pull(&batch) == Pull::kRecord;) {
    arguments_.push_back(std::move(batch));
    if (way_ == Way::kRoundRobin && arguments_.size() == setup_.workers) break;
  }
  jobs_ = way_ == Way::kTee ? arguments_.size() : setup_.workers;
  if (way_ != Way::kRoundRobin && arguments_.size() > setup_.workers) {
    throw UsageError(fmt::format(
        "{}: all {} jobs must run at once, and only {} may; give a higher --jobs, or --jobs 0",
        way_ == Way::kTee ? "--tee" : "--shard and --bin", arguments_.size(), setup_.workers));
  }
  if (jobs_ == 0) {
    setup_.warn("--tee runs one job for each argument (::: …), and there is none");
  }
}

Pull FanFeed::pull(Batch* batch) {
  if (!counted_) count_jobs();
  if (consumers_.size() == jobs_ || jobs_ended_) return Pull::kEnd;
  if (way_ == Way::kRoundRobin && spare_.empty() && !fetch()) {
    return data_ended_ ? Pull::kEnd : Pull::kWouldBlock;
  }
  add_consumer(batch);
  if (way_ == Way::kRoundRobin) {
    give_to(consumers_.back(), std::move(spare_.front()));
    spare_.pop_front();
  }
  return Pull::kRecord;
}

void FanFeed::add_consumer(Batch* batch) {
  const std::size_t number = consumers_.size();
  if (number < arguments_.size()) {
    *batch = std::move(arguments_[number]);
  } else {
    set_no_arguments(batch);
  }
  if (in_file_) name_input_file(batch);
  consumers_.emplace_back();
}

void FanFeed::keep(std::uint64_t seq) {
  consumers_.back().seq = seq;
  by_seq_.emplace(seq, consumers_.size() - 1);
}

void FanFeed::no_more_jobs() {
  if (std::exchange(jobs_ended_, true)) return;
  data_ended_ = true;
  spare_.clear();
  more_work_ = true;  // jobs whose pipes have room are told of the end now: no event will come
}

StdinSource FanFeed::stdin_of(const Job& job) {
  const auto found = by_seq_.find(job.id.seq);
  if (found == by_seq_.end()) return StdinSource::failed(EIO);
  Consumer& consumer = consumers_[found->second];
  // Asked again: its worker died, and what it was given is gone.
  if (!consumer.open || std::exchange(consumer.asked, true)) return StdinSource::failed(EPIPE);
  ipc::UniqueFd end = consumer.writer.open();
  if (!end) return StdinSource::failed(errno);
  epoll_event event{};
  event.events = EPOLLOUT | EPOLLET;
  event.data.u64 = found->second;
  if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, consumer.writer.fd(), &event) != 0) {
    return StdinSource::failed(errno);
  }
  more_work_ = true;
  return StdinSource::file(std::move(end));
}

void FanFeed::check(JobResult* result) {
  const auto found = by_seq_.find(result->job.id.seq);
  const bool ended = std::holds_alternative<Exited>(result->outcome) ||
                     std::holds_alternative<Signaled>(result->outcome);
  if (found != by_seq_.end() && ended && consumers_[found->second].writer.fell_short()) {
    result->outcome = InputShrank{};
  }
}

std::uint64_t FanFeed::sent(std::uint64_t seq) const {
  const auto found = by_seq_.find(seq);
  return found != by_seq_.end() && counts_sent_ ? consumers_[found->second].writer.written() : 0;
}

void FanFeed::finish(const JobResult& result) {
  const auto found = by_seq_.find(result.job.id.seq);
  if (found == by_seq_.end()) return;
  close(consumers_[found->second], succeeded(result.outcome));
}

// It takes no more. Whole blocks that it has not begun are others' by turns.
void FanFeed::close(Consumer& consumer, bool ended_well) {
  if (!ended_well && way_ != Way::kTee) {
    unread_ += consumer.writer.unread();
    for (const PipeChunk& chunk : consumer.writer.queue()) {
      if (way_ == Way::kRoute || chunk.done != 0) unread_ += chunk.size() - chunk.done;
    }
  }
  if (way_ == Way::kRoundRobin) {
    for (PipeChunk& chunk : consumer.writer.queue()) {
      if (chunk.done == 0 && chunk.block) spare_.push_back(std::move(chunk));
    }
    more_work_ = more_work_ || !spare_.empty();
  }
  consumer.writer.queue().clear();
  consumer.writer.close();
  consumer.open = false;
}

// ---- data --------------------------------------------------------------------------------------

std::size_t FanFeed::wait_fds(bool more_jobs, int* fds) const {
  std::size_t count = 0;
  fds[count++] = poll_.get();
  const bool wants_job = more_jobs && consumers_.size() < jobs_;
  if (would_block_ && (wants_job || may_give())) fds[count++] = blocks_->wait_fd();
  return count;
}

std::optional<std::chrono::steady_clock::time_point> FanFeed::deadline() const {
  if (more_work_) return std::chrono::steady_clock::now();
  return would_block_ ? blocks_->deadline() : std::nullopt;
}

// One block more in spare_, where there is one now.
bool FanFeed::fetch() {
  if (data_ended_) return false;
  const auto give_back = [this](Block* block) {
    blocks_->recycle(std::move(*block));
    delete block;
  };
  std::shared_ptr<Block> block(new Block, give_back);
  const Pull pulled = blocks_->pull(block.get());
  would_block_ = pulled == Pull::kWouldBlock;
  if (pulled == Pull::kEnd) data_ended_ = true;
  if (pulled == Pull::kRecord) spare_.push_back({.block = std::move(block)});
  return pulled == Pull::kRecord;
}

bool FanFeed::has_room(const Consumer& consumer) const {
  return consumer.open && consumer.writer.waiting() < kMostWaiting;
}

bool FanFeed::may_give() const {
  if (!counted_ || (consumers_.size() < jobs_ && !jobs_ended_)) return false;
  const auto any_open = [](const Consumer& consumer) { return consumer.open; };
  const auto takes = [this](const Consumer& consumer) {
    return !consumer.open || has_room(consumer);
  };
  if (way_ == Way::kRoundRobin) {
    return std::any_of(consumers_.begin(), consumers_.end(),
                       [this](const Consumer& consumer) { return has_room(consumer); });
  }
  return std::any_of(consumers_.begin(), consumers_.end(), any_open) &&
         std::all_of(consumers_.begin(), consumers_.end(), takes);
}

// One block from spare_ to whom it belongs.
bool FanFeed::give() {
  if (way_ == Way::kRoundRobin) return give_by_turns();
  if (way_ == Way::kRoute) {
    route();
  } else {
    for (Consumer& consumer : consumers_) {
      if (consumer.open) give_to(consumer, {.block = spare_.front().block});
    }
  }
  spare_.pop_front();
  return true;
}

bool FanFeed::give_by_turns() {
  for (std::size_t tried = 0; tried < consumers_.size(); ++tried) {
    Consumer& consumer = consumers_[next_];
    next_ = (next_ + 1) % consumers_.size();
    if (!has_room(consumer)) continue;
    give_to(consumer, std::move(spare_.front()));
    spare_.pop_front();
    return true;
  }
  return false;
}

void FanFeed::give_to(Consumer& consumer, PipeChunk chunk) {
  begin(consumer);
  consumer.writer.add(std::move(chunk));
}

// The header comes once, before the first block.
void FanFeed::begin(Consumer& consumer) {
  if (std::exchange(consumer.begun, true)) return;
  if (auto header = blocks_->header()) consumer.writer.add({.text = std::move(header)});
}

void FanFeed::route() {
  std::vector<std::string> parts(jobs_);
  router_->route(spare_.front().block->bytes(), parts);
  for (std::size_t i = 0; i < jobs_; ++i) {
    if (consumers_[i].open) begin(consumers_[i]);
    if (parts[i].empty()) continue;
    if (consumers_[i].open) {
      consumers_[i].writer.add({.text = std::make_shared<const std::string>(std::move(parts[i]))});
    } else {
      unread_ += parts[i].size();
    }
  }
}

// Writes what goes. True: something went, so that more may go now.
bool FanFeed::feed_all() {
  bool moved = false;
  for (Consumer& consumer : consumers_) {
    if (!consumer.open || !consumer.writer.is_open()) continue;
    const std::uint64_t before = consumer.writer.written();
    const PipeWriter::Wrote wrote = consumer.writer.write_some(kMostAtOnce);
    if (wrote == PipeWriter::Wrote::kNoReader) {
      close(consumer, true);  // the job has had enough
    } else if (wrote == PipeWriter::Wrote::kAll && data_ended_ && spare_.empty() &&
               consumer.writer.waiting() == 0) {
      consumer.writer.close();
    }
    moved = moved || consumer.writer.written() != before;
  }
  return moved;
}

void FanFeed::turn() {
  epoll_event events[64];
  for (int count = 64; count == 64;) {
    count = ::epoll_wait(poll_.get(), events, 64, 0);
    for (int i = 0; i < count; ++i) consumers_[events[i].data.u64].writer.unblock();
  }
  more_work_ = false;
  bool moved = true;
  for (int round = 0; moved && round < kMostRounds; ++round) {
    moved = false;
    while (may_give() && (!spare_.empty() || fetch())) moved = give() || moved;
    moved = feed_all() || moved;
  }
  more_work_ = moved;
  end_of_data();
}

// Says once what no job has read, where that is not what was asked for.
void FanFeed::end_of_data() {
  const bool any_open =
      std::any_of(consumers_.begin(), consumers_.end(), [](const Consumer& c) { return c.open; });
  const bool all_made = consumers_.size() == jobs_ || jobs_ended_;
  if (any_open || consumers_.empty() || !all_made || way_ == Way::kTee) return;
  for (const PipeChunk& chunk : spare_) unread_ += chunk.size();
  spare_.clear();
  if ((unread_ == 0 && data_ended_) || std::exchange(told_, true)) return;
  setup_.warn(data_ended_ ? fmt::format("{} bytes of the input were not read by the jobs", unread_)
                          : "the jobs ended before all of the input was read");
}

}  // namespace enjoin
