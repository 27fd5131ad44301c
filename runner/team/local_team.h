#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include "ipc/bells.h"
#include "ipc/claim_queue.h"
#include "runner/team/job_descriptors.h"
#include "runner/team/kept_logs.h"
#include "runner/team/oom_watch.h"
#include "runner/team/spool_space.h"
#include "runner/team/stdin_source.h"
#include "runner/team/team.h"
#include "runner/team/team_counters.h"
#include "runner/team/team_watch.h"
#include "runner/team/worker_process.h"
#include "worker/config.h"
#include "worker/printer.h"

namespace enjoin {

struct TeamSpec {
  WorkerConfig worker;
  std::uint32_t workers = 1;  ///< at most; they are started as jobs need them
  /// Jobs queued beyond those that run: many for speed, 0 where each start depends on how earlier
  /// jobs ended (--halt, --delay).
  std::uint32_t look_ahead = 1024;
  bool ordered = false;  ///< Job::order counts
  WorkerLoss worker_loss = WorkerLoss::kFail;
  /// What jobs write is kept until their results have been delivered: LocalTeam::kept_output().
  bool keeps_output = false;
  int output_fd = STDOUT_FILENO;  ///< where stdout's output goes; the caller's
  /// Stays open until the last process of the team is gone, also where we are killed: a lock on it
  /// says that jobs may still run. The caller's; -1: none.
  int held_fd = -1;
  /// Beginnings of the paths of the jobs' temporary files, removed at the end if any are left.
  std::vector<std::string> temp_names;
};

/// The team of this machine: worker processes around a shared-memory queue.
///
/// The supervisor's own record of every unfinished job is private (`Flight`); shared memory is only
/// how workers are told and answer, and everything read from it is checked against that record.
/// Makes the calling process a child subreaper, so that what a dead keeper's workers left behind
/// can be found and killed; has no other effect on it. The destructor leaves no process behind (but
/// leftovers that were to be kept).
class LocalTeam final : public Team {
 public:
  static constexpr std::uint32_t kMostLosses = 3;

  explicit LocalTeam(TeamSpec spec);  ///< Throws Error.
  ~LocalTeam() override;

  std::size_t room() const override;
  void start(Job job) override;
  void cancel_all(How how) override;
  void withdraw_queued() override;
  void set_timeout(std::chrono::nanoseconds limit) override;
  void collect(const std::function<void(JobResult&)>& deliver) override;
  void watch_ends(std::function<void(const JobResult&)> observe) override {
    observe_end_ = std::move(observe);
  }
  void wait(std::span<const int> readable, std::chrono::nanoseconds limit) override;
  int pollable_fd() const override { return poll_.get(); }
  std::size_t running() const override;
  std::size_t unfinished() const override { return flights_in_use_; }
  int output_error() const override;

  /// With WorkerConfig::job_input: `provider` is called, inside collect(), each time that a job is
  /// about to start. The descriptors that it names must stay open until then, and what they give
  /// must stay until the job's result was delivered.
  void give_stdin(StdinProvider provider) { stdin_provider_ = std::move(provider); }

  /// With recipes that ask for descriptors: `provider` is called, inside collect(), each time that
  /// one is about to start. The job's attempt has begun with it.
  void give_descriptors(DescriptorProvider provider) { descriptor_provider_ = std::move(provider); }

  /// ^Z and fg: holds or continues all running jobs.
  void set_suspended(bool suspended);
  /// Jobs whose inputs have all been given: workers need not ask for more.
  void expect_more(bool more);
  /// A job whose output was held back is not tried again: what comes after it in ordered output
  /// need not wait for it.
  void skip_output(std::uint64_t order);
  std::size_t worker_count() const { return alive_; }

  /// What was put right so far: for tests and reports.
  TeamCounters counters() const;
  /// Has `say` called with a sentence for people where something below us was put right.
  void report_trouble(std::function<void(const std::string&)> say) { say_ = std::move(say); }
  /// Where that lies which a job wrote to a captured stream: so many bytes from `begin` in `fd`.
  struct KeptStream {
    int fd = -1;  ///< to be read with pread; not to be closed
    std::int64_t begin = 0;
    std::int64_t length = 0;
  };
  struct KeptPlaces {
    KeptStream stream[2];  ///< stdout, stderr
  };
  /// With TeamSpec::keeps_output, of the result that collect() delivers now: during that call only.
  /// Nothing was kept of jobs that write straight to our stdout (OutputMode::kUngroup).
  KeptPlaces kept_output(const JobResult& result) const;
  /// The line that the job of this worker (number, from 0) wrote last, as far as it is there: raw
  /// bytes, at most about a thousand; empty: none. Where output is captured in files only.
  std::string latest_line(std::uint32_t worker) const;
  /// Calls `act` while no output of jobs is being printed: for drawing on the same terminal. False:
  /// somebody prints now.
  bool between_output(const std::function<void()>& act);

  /// For tests alone, which write in it what a wild worker would.
  const ipc::TeamMemory& memory_for_test() const { return memory_; }
  const WorkerProcess& worker_for_test(std::uint32_t number) const { return workers_[number]; }

  /// Jobs that have not ended: not those whose output waits for its turn.
  std::size_t active() const { return flights_in_use_ - flights_ended_; }
  /// How many jobs run at once from now on, up to TeamSpec::workers. None is ended for it.
  void set_most_running(std::uint32_t jobs) { most_running_ = jobs; }

  /// A job that a worker runs now.
  struct RunningJob {
    const Job* job = nullptr;  ///< until the next collect()
    std::uint64_t ticket = 0;  ///< higher for those that were started later
    std::uint32_t worker = 0;  ///< number, from 0
  };
  /// The oldest first.
  std::vector<RunningJob> running_jobs() const;
  enum class Written { kPrinted, kDropped };
  /// Ends one by the ladder; it comes back as Canceled, with its output held back where that is to
  /// be dropped. Nothing happens where it has ended meanwhile.
  void end_job(const RunningJob& running, Written written);
  /// Ends one job, which may still be queued (then it never starts), by the ladder or at once; it
  /// comes back as Canceled, unless it ended by itself meanwhile. May be called again with kNow.
  /// False: there is no such unfinished job, or it has ended and only its output is outstanding.
  bool cancel(JobSeq id, How how);
  /// Of the running jobs the `awake` oldest go on, the others stand still.
  void hold_all_but(std::size_t awake);

 private:
  enum class CancelWish : std::uint8_t { kNo, kLadder, kNow };
  /// One unfinished job.
  struct Flight {
    Job job;
    std::uint64_t ticket = 0;  ///< of its present publication; 0: none
    std::uint32_t worker = 0;  ///< who started it, where generation is not 0
    std::uint32_t generation = 0;
    std::uint32_t losses = 0;
    bool in_use = false;
    bool ended = false;    ///< `record` holds how
    bool printed = false;  ///< its print entry was passed
    bool announced = false;
    bool out_of_memory = false;  ///< the kernel was, when it killed the job
    CancelWish cancel = CancelWish::kNo;
    ipc::ResultRecord record{};
    ipc::KeptSpan kept{};  ///< in the log of `worker`
  };

  // What an event of poll_ is about: a worker's number with kSocket is its socket.
  static constexpr std::uint32_t kNobody = ~std::uint32_t{0};
  static constexpr std::uint32_t kKeeper = kNobody - 1;
  static constexpr std::uint32_t kSocket = 1U << 31;

  Flight* find(std::uint32_t handle, std::uint64_t ticket);
  std::uint32_t take_flight();
  void publish_waiting();
  bool try_publish(std::uint32_t handle);
  void summon_worker();
  void spawn_worker(std::uint32_t number);
  void note_alive();
  void shrink();
  void start_one(std::uint32_t number);
  void take_results(WorkerProcess& worker);
  void take_prints(std::uint64_t next);
  void sort_by_end();
  void reclaim();
  void on_record(const ipc::ResultRecord& record, const WorkerProcess& worker);
  void announce(Flight& flight);
  void complete(std::uint32_t handle, JobResult result);
  void deliver_results(const std::function<void(JobResult&)>& deliver);
  void note_kept(Flight& flight, const ipc::ResultRecord& record);
  void keep_left_output(Flight& flight, const WorkerProcess& worker);
  std::int64_t most_output(const Flight& flight) const;
  void complete_ended(std::uint32_t handle);
  void complete_canceled(std::uint32_t handle);
  void take_poll_events();
  void answer_stdin();
  void answer_stdin(WorkerProcess& worker);
  void answer_descriptors(WorkerProcess& worker, const ipc::StdinRequest& request,
                          const Flight* flight);
  /// Whether workers may ask for something.
  bool may_be_asked() const {
    return spec_.worker.job_input != JobInput::kNone || spec_.worker.recipes;
  }
  void open_keeper();
  void watch(int fd, std::uint32_t events, std::uint32_t what);
  void take_keeper_news();
  void on_not_started(WorkerProcess& worker, int error);
  void forget(WorkerProcess& worker);
  void bury(WorkerProcess& worker, WorkerEnd end);
  void count_barren_deaths();
  void follow_deaths(std::uint64_t deaths);
  /// All workers, and what is not to outlive them, are dead and dealt with when it returns.
  void kill_all_workers();
  std::uint64_t on_keeper_death();
  void sweep_after_keeper();
  void on_death(WorkerProcess& worker);
  bool settle(WorkerProcess& worker);
  void forgive(WorkerProcess& worker);
  bool print_for_dead(WorkerProcess& worker);
  std::size_t lose_jobs_of(WorkerProcess& worker);
  bool lose_job(std::uint32_t handle, WorkerProcess* worker);
  bool give_back(std::uint32_t handle);
  void emit_left_output(std::uint32_t handle, WorkerProcess& worker);
  void emit_nothing(const ipc::Output& output);
  std::unique_ptr<Printer> make_printer();

  // local_team_watch.cc: looks at memory and workers while jobs are unfinished.
  void look();
  TeamRecord record_for_audit() const;
  bool sleeps(std::uint32_t worker) const;
  void look_at_damage();
  bool locks_are_sane();
  bool lock_is_sane(int lock);
  void continue_stopped();
  void ring_where_nothing_moves();
  template <typename Attempt>
  bool with_lock(Attempt&& attempt);

  // local_team_recovery.cc: damaged memory is condemned, left by all, and made anew.
  void condemn(const std::string& why);
  void press_condemned();
  void rebuild();
  void tell(const std::string& text) const {
    if (say_) say_(text);
  }
  struct Salvage;
  Salvage salvage();
  void make_memory_anew(const Salvage& salvage);
  void print_salvaged(const Salvage& salvage);
  void restart_jobs(const Salvage& salvage);
  void press_cancellation();
  void withdraw();
  void press_cancels();
  bool take_out_of_queue(std::uint32_t handle);
  bool news_waiting() const;
  JobResult result_of(const Flight& flight) const;

  TeamSpec spec_;
  std::uint32_t most_running_ = ~std::uint32_t{0};
  WorkerExecutable executable_;
  ipc::TeamMemory memory_;
  ipc::ClaimPublisher publisher_;
  ipc::Bells bells_;
  ipc::Segment config_;
  ipc::UniqueFd event_;
  ipc::UniqueFd poll_;
  ipc::UniqueFd spools_[2];
  SpoolSpace spool_space_[2];
  std::unique_ptr<Printer> printer_;
  std::vector<WorkerProcess> workers_;
  std::vector<pid_t> foreign_;  ///< children that our process had before us
  std::unique_ptr<KeeperLink> keeper_;
  std::uint32_t barren_keepers_ = 0;  ///< in a row that died before they started a worker
  std::uint32_t alive_ = 0;
  std::uint32_t last_generation_ = 0;
  /// Turns in a row in which workers died before they did anything. Not workers: a whole team dies
  /// with its keeper.
  std::uint32_t barren_deaths_ = 0;
  bool saw_barren_death_ = false;  ///< in this turn
  std::deque<Flight> flights_;
  std::vector<std::uint32_t> free_flights_;
  std::deque<std::uint32_t> unpublished_;
  std::size_t flights_in_use_ = 0;
  std::size_t flights_ended_ = 0;  ///< of these, waiting to be printed
  std::uint64_t prints_seen_ = 0;
  std::uint64_t orders_given_ = 0;   ///< the highest Job::order so far, and one
  std::set<std::uint64_t> skipped_;  ///< orders that nothing is printed for, not yet passed
  TeamWatch watch_;
  ipc::SegmentHeader header_{};  ///< of the control segment, as it was made
  bool condemned_ = false;
  std::uint32_t barren_rebuilds_ = 0;  ///< in a row, without a result in between
  std::function<void(const std::string&)> say_;
  struct Delivery {
    JobResult result;
    ipc::KeptSpan kept{};  ///< in the log of the worker that result.slot names
  };
  std::deque<Delivery> results_;
  const Delivery* delivered_ = nullptr;  ///< by collect(), now
  std::optional<KeptLogs> kept_logs_;
  TeamCounters counters_;
  OomWatch oom_;
  std::function<void(const JobResult&)> observe_end_;
  StdinProvider stdin_provider_;
  DescriptorProvider descriptor_provider_;
  std::vector<std::uint32_t> asking_;  ///< worker numbers whose sockets became readable
  bool keeper_has_news_ = false;
  bool polled_ = false;             ///< the two above are up to date
  std::size_t cancels_wanted_ = 0;  ///< flights that are to be cancelled, and have not ended
  bool canceling_ = false;
  bool cancel_now_ = false;
  std::uint64_t cancel_at_ns_ = 0;
};

}  // namespace enjoin
