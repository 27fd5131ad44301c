#pragma once

#include <map>
#include <unordered_map>

#include "runner/pipe/block_source.h"
#include "runner/pipe/job_feed.h"

namespace enjoin {

/// A job for each block. Its worker moves the block's pages, or its part of a file, into the pipe
/// that is the job's stdin, without copying them; no byte passes through us again.
///
/// The job could read the block's file itself, which would save the pipe. But programs see what
/// their stdin is, and scripts see that: wc(1) pads its columns for a pipe and not for a file.
///
/// A block is kept until its job's result is final, so another attempt gets it whole. At most two
/// blocks in memory wait beyond those of the jobs at once: then reading waits.
class BlockFeed final : public JobFeed {
 public:
  BlockFeed(const Options& options, std::unique_ptr<BlockSource> blocks, FeedSetup setup);

  Pull pull(Batch* batch) override;
  void keep(std::uint64_t seq) override;
  std::size_t wait_fds(bool more_jobs, int* fds) const override;
  std::optional<std::chrono::steady_clock::time_point> deadline() const override;
  StdinSource stdin_of(const Job& job) override;
  void check(JobResult* result) override;
  std::uint64_t sent(std::uint64_t seq) const override;
  void finish(const JobResult& result) override;

 private:
  struct Kept {
    Block block;
    std::optional<bool> intact = {};  ///< what check() found, once it has
  };
  StdinSource range_source(const Block& block);
  int header_fd(const std::shared_ptr<const std::string>& header);
  bool full() const;

  const std::unique_ptr<BlockSource> blocks_;
  const FeedSetup setup_;
  const bool in_file_;      // --cat, --fifo
  const bool counts_sent_;  // as GNU parallel: not with --pipepart
  // A job may pass its stdin's very pages on (splice in pv, some cats). Into files they are copied,
  // but with -u they may lie in a pipe of ours when the job has ended.
  const bool reuses_memory_;
  Block pulled_;
  bool has_pulled_ = false;
  bool would_block_ = false;
  bool arguments_ended_ = false;
  std::unordered_map<std::uint64_t, Kept> kept_;
  std::size_t in_memory_ = 0;  // of the blocks kept
  std::map<std::shared_ptr<const std::string>, BlockMemory> headers_;
};

/// Replaces a job's values by $PARALLEL_TMP, or gives it that one.
void name_input_file(Batch* batch);
/// One empty value: `{}` stands for nothing.
void set_no_arguments(Batch* batch);

}  // namespace enjoin
