#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ipc/claim_queue.h"
#include "ipc/results.h"
#include "worker/capture.h"
#include "worker/config.h"
#include "worker/foreground.h"
#include "worker/isolation.h"
#include "worker/job_strings.h"
#include "worker/job_watch.h"
#include "worker/kept_log.h"
#include "worker/kept_output.h"
#include "worker/live_output.h"
#include "worker/printer.h"
#include "worker/private_folder.h"
#include "worker/recipe_start.h"
#include "worker/spawn.h"
#include "worker/stdin_feed.h"
#include "worker/supervisor_link.h"
#include "worker/template.h"
#include "worker/worker_exit.h"
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
  /// Returns the exit status.
  WorkerExit run();

  // WatchHost
  int control_fd() const override { return link_.fd(); }
  bool read_control() override { return link_.read(); }
  Stop stop_wanted(std::uint64_t ticket) const override;
  bool suspended() const override;
  std::uint64_t timeout_ns(std::uint64_t own) const override;
  std::uint64_t tick() override;
  int pipe_fd(int stream) const override { return capture_->poll_fd(stream); }
  void pump(int stream) override { capture_->pump(stream); }
  pollfd feed_wants() const override { return feed_.wants(); }
  void feed() override { feed_.pump(); }

 private:
  struct Job;
  void make_capture();
  bool names_slot() const;
  void wait_for_turn(std::uint64_t until);
  void run_batch();
  void run_job(std::uint64_t position);
  bool expand(Job& job);
  bool take_recipe(Job& job);
  int start_recipe(Job& job);
  int take_descriptors(Job& job);
  void explain_failure(Job& job);
  SpawnRequest request_for(const Job& job) const;
  int start_patiently(Job& job);
  int start_process(Job& job);
  int spawn_job(const SpawnRequest& request, Job& job);
  int offer_slots(Job& job);
  int take_input(Job& job);
  int place_input(Job& job, const ipc::StdinAnswer& answer, ipc::StdinDescriptors descriptors);
  void open_fifo();
  void end_input(Job& job);
  void drop_input_file();
  int begin_output(Job& job);
  bool has_no_values(const Job& job) const;
  bool is_table() const { return config_.results.table != Table::kNone; }
  int try_compressor();
  int run_compressor(int from, int to);
  void remember_for_row(Job& job);
  std::string shown_line(int stream) const;
  void show_command(Job& job);
  int enter_work_folder(Job& job);
  void leave_work_folder();
  void finish_process(Job& job);
  void settle_leftovers(Job& job);
  void publish(Job& job);
  void keep_output(ipc::ResultRecord* record);
  bool was_put_back(const Job& job) const;
  void emit(Job& job);
  void emit_decorated(Job& job);
  void emit_row(Job& job);
  bool has_text_of_its_own(const Job& job) const;
  bool is_decorated(const Job& job) const;
  template <typename Use>
  void give_stream(const Job& job, int stream, Use&& use) const;
  void mark_whole(Job& job);
  void end_output(const Job& job);
  /// Both streams stay in files of the job's own, and are not printed, as under GNU parallel.
  bool keeps_all() const {
    return config_.results.keep == Keep::kTree || config_.results.keep == Keep::kNamed;
  }
  const CaptureFiles& job_files() const { return kept_ ? kept_->files() : files_; }
  ipc::ResultRecord& next_record();
  bool wait_for_print_room(std::uint64_t order);
  void hand_back_rest();
  void hand_back_from(std::size_t first);
  void sleep();
  bool was_answered_soon();
  bool memory_usable() const { return queue_.usable() && printer_.queue().usable(); }
  WorkerExit leave_condemned();
  void leave_output(const Job& job);
  void leave_text(const ipc::Output& output, const std::string text[2]);
  void leave_after_supervisor();

  WorkerStart start_;
  ipc::TeamMemory memory_;
  WorkerConfig config_;
  std::optional<Isolation> isolation_;
  std::optional<JobView> view_;  // what isolated jobs see; of the next job, where folders change
  ipc::ClaimQueue queue_;
  ipc::Bells bells_;
  ipc::ResultWriter results_;
  SupervisorLink link_;
  Template command_;
  std::optional<Template> tag_;
  std::string shell_name_;
  CaptureFiles files_;
  std::unique_ptr<KeptOutput> kept_;
  std::optional<KeptLog> log_;                // where what jobs wrote is kept for the supervisor
  std::unique_ptr<OutputSink> keeping_sink_;  // where it comes through pipes
  Printer printer_;
  std::unique_ptr<LiveOutput> lines_;
  std::unique_ptr<OutputSink> file_sink_;
  std::unique_ptr<Capture> capture_;
  StdinFeed feed_;              // of the running job
  PrivateFolder input_folder_;  // of kFile and kFifo, once one was needed
  std::string input_name_;      // of its file or fifo, where it has one
  bool fifo_waits_ = false;     // to be opened as soon as the job has done so
  std::uint64_t fifo_tries_ = 0;
  JobEnvironment environment_;
  std::optional<Template> work_folder_template_;
  std::string work_folder_;  // of the running job
  ipc::UniqueFd terminal_;
  ProgramFinder programs_;
  std::optional<RecipeStart> recipe_;  // of the next job, where jobs are recipes
  ForegroundLoan foreground_;          // of the running job
  rlimit open_files_{};
  JobStrings strings_;
  Argv argv_;
  std::string line_;
  std::string tag_text_;
  std::string tag_words_;
  std::vector<std::uint64_t> claimed_;
  std::size_t claim_at_ = 0;
  std::size_t claimed_end_ = 0;
  std::size_t batch_ = 1;
  std::uint64_t left_in_queue_ = 0;
  bool has_claimed_ = false;
  bool retiring_ = false;
  bool expects_answer_ = false;  ///< others waited for the end of the last job
  static constexpr std::uint64_t kForkPatienceNs = 10'000'000'000;
  std::uint64_t fork_patience_ns_ = kForkPatienceNs;  ///< less once it was in vain
  bool no_process_ = true;
  int compressor_error_ = -1;    // of the first try; -1: not tried
  bool may_skip_no_ops_ = true;  // a command that does nothing leaves no trace
};

}  // namespace enjoin
