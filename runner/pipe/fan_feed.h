#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/pipe/block_source.h"
#include "runner/pipe/job_feed.h"
#include "runner/pipe/pipe_writer.h"
#include "runner/pipe/record_router.h"

namespace enjoin {

/// A fixed set of jobs that the data is spread over while they run: --round-robin (blocks by
/// turns), --tee (all data to each), --shard and --bin (each line to the job that its value says).
///
/// We write into the jobs' pipes, never waiting for one of them. At most two blocks wait for each
/// job: then reading waits (--round-robin passes over a job that is slow). A job that reads no more
/// holds up nobody. What a job has been given cannot be given again, so each runs once.
class FanFeed final : public JobFeed {
 public:
  FanFeed(const Options& options, const InputSpec& data, std::unique_ptr<BlockSource> blocks,
          FeedSetup setup);

  Pull pull(Batch* batch) override;
  void keep(std::uint64_t seq) override;
  std::size_t wait_fds(bool more_jobs, int* fds) const override;
  std::optional<std::chrono::steady_clock::time_point> deadline() const override;
  void turn() override;
  void no_more_jobs() override;
  StdinSource stdin_of(const Job& job) override;
  void check(JobResult* result) override;
  std::uint64_t sent(std::uint64_t seq) const override;
  void finish(const JobResult& result) override;

 private:
  enum class Way : std::uint8_t { kRoundRobin, kTee, kRoute };
  struct Consumer {
    PipeWriter writer;
    std::uint64_t seq = 0;  ///< 0: not kept
    bool asked = false;     ///< it has its end of the pipe
    bool open = true;       ///< it takes data
    bool begun = false;     ///< it was given the header, where there is one
  };
  void count_jobs();
  void add_consumer(Batch* batch);
  bool fetch();
  bool may_give() const;
  bool has_room(const Consumer& consumer) const;
  bool give();
  bool give_by_turns();
  void give_to(Consumer& consumer, PipeChunk chunk);
  void begin(Consumer& consumer);
  void route();
  bool feed_all();
  void close(Consumer& consumer, bool ended_well);
  void end_of_data();

  const Way way_;
  const bool in_file_;
  const bool counts_sent_;
  // Before what holds its blocks.
  const std::unique_ptr<BlockSource> blocks_;
  const FeedSetup setup_;
  ipc::UniqueFd poll_;  // the jobs' pipes
  std::unique_ptr<RecordRouter> router_;
  std::vector<Batch> arguments_;
  std::size_t jobs_ = 0;  // in all
  bool counted_ = false;
  bool jobs_ended_ = false;
  std::deque<Consumer> consumers_;
  std::unordered_map<std::uint64_t, std::size_t> by_seq_;
  std::size_t next_ = 0;         // whose turn it is
  std::deque<PipeChunk> spare_;  // blocks that are nobody's yet
  bool would_block_ = false;
  bool data_ended_ = false;
  bool more_work_ = false;
  bool told_ = false;         // of what was not read
  std::uint64_t unread_ = 0;  // bytes that were given to jobs that failed, and not read
};

}  // namespace enjoin
