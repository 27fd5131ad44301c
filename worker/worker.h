#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ipc/claim_queue.h"
#include "ipc/results.h"
#include "worker/capture.h"
#include "worker/config.h"
#include "worker/job_watch.h"
#include "worker/line_printer.h"
#include "worker/printer.h"
#include "worker/spawn.h"
#include "worker/supervisor_link.h"
#include "worker/template.h"
#include "worker/worker_start.h"

namespace enjoin {

/// A worker process: claims jobs, runs them one at a time, publishes what came of them, prints or
/// spools their output, sleeps while there is nothing to do, and leaves when the supervisor closes
/// the queue. When the supervisor dies it kills its job's whole tree and leaves.
///
/// It is a child subreaper: whatever a job leaves behind becomes its child. Where such leftovers
/// may live on, the worker retires after that job, so that each worker's children are its job's.
class Worker final : public WatchHost {
 public:
  explicit Worker(WorkerStart start);  ///< Throws Error.
  void run();

  // WatchHost
  int control_fd() const override { return link_.fd(); }
  bool read_control() override { return link_.read(); }
  Stop stop_wanted(std::uint64_t ticket) const override;
  bool suspended() const override;
  std::uint64_t timeout_ns(std::uint64_t own) const override;
  std::uint64_t tick() override;
  int pipe_fd(int stream) const override { return capture_->poll_fd(stream); }
  void pump(int stream) override { capture_->pump(stream); }

 private:
  struct Job;
  void run_batch();
  void run_job(std::uint64_t position);
  bool expand(Job& job);
  int start_patiently(Job& job);
  int start_process(Job& job);
  void begin_output(Job& job);
  void finish_process(Job& job);
  void settle_leftovers(Job& job);
  void publish(Job& job);
  void emit(Job& job);
  void emit_decorated(Job& job);
  ipc::ResultRecord& next_record();
  bool wait_for_print_room(std::uint64_t order);
  void hand_back_rest();
  void hand_back_from(std::size_t first);
  void sleep();
  void leave_after_supervisor();

  WorkerStart start_;
  ipc::TeamMemory memory_;
  WorkerConfig config_;
  ipc::ClaimQueue queue_;
  ipc::Bells bells_;
  ipc::ResultWriter results_;
  SupervisorLink link_;
  Template command_;
  std::optional<Template> tag_;
  std::string shell_name_;
  CaptureFiles files_;
  Printer printer_;
  std::unique_ptr<OutputSink> file_sink_;
  std::unique_ptr<LinePrinter> lines_;
  std::unique_ptr<Capture> capture_;
  JobEnvironment environment_;
  ProgramFinder programs_;
  rlimit open_files_{};
  std::vector<std::string_view> values_;
  Argv argv_;
  std::string line_;
  std::string tag_text_;
  std::string tag_words_;
  std::vector<std::uint64_t> claimed_;
  std::size_t claim_at_ = 0;
  std::size_t claimed_end_ = 0;
  std::size_t batch_ = 1;
  std::uint64_t left_in_queue_ = 0;
  bool retiring_ = false;
  bool no_process_ = true;
};

}  // namespace enjoin
