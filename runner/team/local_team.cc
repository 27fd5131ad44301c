#include "runner/team/local_team.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "enjoin/error.h"
#include "ipc/check.h"
#include "ipc/seal.h"
#include "worker/isolation.h"
#include "worker/job_watch.h"
#include "worker/process_tree.h"

namespace enjoin {
namespace {

constexpr ipc::WorkerId kSupervisor{ipc::PrintQueue::kSupervisorNumber, 1};
constexpr std::uint32_t kResultRecords = 64;
constexpr std::uint32_t kSlots = 1024;
constexpr std::uint32_t kOrderWindow = 1U << 15;
// More large inputs than this are not queued ahead: they would only take memory.
constexpr std::uint64_t kAheadBytes = 1U << 20;
constexpr std::uint64_t kRecordDelayNs = 50'000'000;  // a record may come later than its job's end
constexpr std::uint32_t kPlainWindow = 1U << 12;

ipc::Geometry geometry_for(const TeamSpec& spec) {
  return {.slots = kSlots,
          .workers = spec.workers,
          .print_window = std::max(spec.ordered ? kOrderWindow : kPlainWindow,
                                   std::bit_ceil(4 * spec.workers))};
}

ipc::Segment make_config(const WorkerConfig& config) {
  const std::string bytes = pack(config);
  ipc::Segment segment =
      ipc::Segment::create(ipc::SegmentKind::kConfig, sizeof(ipc::SegmentHeader) + bytes.size(),
                           ipc::SegmentRights::kCreatorWrites);
  segment.header().count[0] = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(segment.at<char>(sizeof(ipc::SegmentHeader)), bytes.data(), bytes.size());
  return segment;
}

constexpr std::chrono::nanoseconds kPressAgain{20'000'000};

std::uint16_t flags_of(const Job& job) {
  const int hold = job.hold_output_if_failed ? ipc::kJobHoldOutputIfFailed : 0;
  return static_cast<std::uint16_t>(hold | (job.prompt ? ipc::kJobPrompt : 0));
}

}  // namespace

LocalTeam::LocalTeam(TeamSpec spec)
    : spec_(std::move(spec)),
      memory_(ipc::TeamMemory::create(geometry_for(spec_))),
      publisher_(memory_),
      bells_(memory_),
      config_(make_config(spec_.worker)),
      event_(ipc::make_event_fd()),
      poll_(::epoll_create1(EPOLL_CLOEXEC)),
      workers_(spec_.workers) {
  if (spec_.worker.isolate == Isolate::kPid) try_isolation();
  if (!poll_) throw system_error("cannot make an epoll descriptor", errno);
  // Edge-triggered: each write is one edge, and nobody needs to read the counter.
  watch(event_.get(), EPOLLIN | EPOLLET, kNobody);
  for (ipc::UniqueFd& spool : spools_) {
    spool = open_scratch_file(spec_.worker.scratch_folder, false);
  }
  if (spec_.keeps_output) kept_logs_.emplace(spec_.worker.scratch_folder, spec_.workers);
  printer_ = make_printer();
  header_ = memory_.control().header;
  foreign_ = list_children();
  // Should the keeper die, what is below it comes to us.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  open_keeper();
}

std::unique_ptr<Printer> LocalTeam::make_printer() {
  const int destinations[2] = {spec_.output_fd, STDERR_FILENO};
  const int spools[2] = {spools_[0].get(), spools_[1].get()};
  auto printer = std::make_unique<Printer>(memory_, kSupervisor, destinations, spools,
                                           Patience::kNever, [this] { return cancel_now_; });
  printer->queue().wait_while([this] { return locks_are_sane(); });
  return printer;
}

std::size_t LocalTeam::room() const {
  if (!unpublished_.empty() || canceling_ || condemned_) return 0;
  if (publisher_.waiting_bytes() >= kAheadBytes && publisher_.waiting() >= spec_.workers) return 0;
  const auto left = [](std::size_t most, std::size_t used) {
    return most > used ? most - used : 0;
  };
  const std::size_t active = flights_in_use_ - flights_ended_;
  const std::size_t at_once = std::min(spec_.workers, most_running_);
  std::size_t room =
      std::min<std::size_t>(left(at_once + spec_.look_ahead, active), publisher_.room());
  // Ordered output: what has ended waits for what has not, in a window of orders. It counts orders,
  // not jobs, so that the job whose turn it is never waits behind later ones that wait for it.
  if (spec_.ordered) {
    const std::uint64_t open = orders_given_ - prints_seen_;
    // Open orders without a job were held back: their next attempts must have a place.
    const std::size_t held_back = left(open, flights_in_use_);
    room = std::min(room, std::max(left(memory_.print_window() / 2, open), held_back));
  }
  return room;
}

void LocalTeam::start(Job job) {
  if (!publisher_.fits_ever(job.inputs.size())) {
    throw Error("the inputs of job " + std::to_string(job.id.seq) + " take " +
                std::to_string(job.inputs.size()) + " bytes; a job may have " +
                std::to_string(memory_.arena_bytes()));
  }
  const std::uint32_t handle = take_flight();
  orders_given_ = std::max(orders_given_, job.order + 1);
  flights_[handle].job = std::move(job);
  if (!unpublished_.empty() || !try_publish(handle)) unpublished_.push_back(handle);
}

std::uint32_t LocalTeam::take_flight() {
  std::uint32_t handle = 0;
  if (free_flights_.empty()) {
    handle = static_cast<std::uint32_t>(flights_.size());
    flights_.emplace_back();
  } else {
    handle = free_flights_.back();
    free_flights_.pop_back();
  }
  flights_[handle].in_use = true;
  ++flights_in_use_;
  return handle;
}

bool LocalTeam::try_publish(std::uint32_t handle) {
  if (condemned_) return false;
  Flight& flight = flights_[handle];
  const Job& job = flight.job;
  const ipc::NewJob slot{.seq = job.id.seq,
                         .order = spec_.ordered ? job.order : ipc::kNoOrder,
                         .payload = job.inputs,
                         .values = job.values,
                         .columns = job.columns,
                         .handle = handle,
                         .attempt = static_cast<std::uint16_t>(job.attempt),
                         .flags = flags_of(job),
                         .timeout_ns = static_cast<std::uint64_t>(job.timeout.count())};
  if (publisher_.try_publish(slot, monotonic_ns(), &flight.ticket) != ipc::PublishAnswer::kOk) {
    return false;
  }
  flight.worker = 0;
  flight.generation = 0;
  flight.ended = false;
  flight.printed = false;
  summon_worker();
  return true;
}

void LocalTeam::publish_waiting() {
  while (!unpublished_.empty() && !canceling_ && !condemned_) {
    if (!try_publish(unpublished_.front())) return;
    unpublished_.pop_front();
  }
}

LocalTeam::Flight* LocalTeam::find(std::uint32_t handle, std::uint64_t ticket) {
  if (handle >= flights_.size()) return nullptr;
  Flight& flight = flights_[handle];
  return flight.in_use && flight.ticket == ticket && ticket != 0 ? &flight : nullptr;
}

void LocalTeam::collect(const std::function<void(JobResult&)>& deliver) {
  if (!std::exchange(polled_, false)) take_poll_events();
  polled_ = false;
  take_keeper_news();
  look();
  printer_->go_on();
  // First how far printing has come, then the results: a result is published before its entry.
  const std::uint64_t printed_to = printer_->queue().next();
  reclaim();
  for (WorkerProcess& worker : workers_) {
    if (worker.alive()) take_results(worker);
  }
  take_prints(printed_to);
  if (canceling_) press_cancellation();
  if (cancels_wanted_ > 0) press_cancels();
  publish_waiting();
  if (!asking_.empty()) answer_stdin();
  if (!spec_.ordered) sort_by_end();
  deliver_results(deliver);
}

// Results come worker by worker; those that end in the same moment are told in the order of ends.
void LocalTeam::sort_by_end() {
  const auto ended_sooner = [](const Delivery& a, const Delivery& b) {
    return a.result.started_at + a.result.use.wall < b.result.started_at + b.result.use.wall;
  };
  if (std::is_sorted(results_.begin(), results_.end(), ended_sooner)) return;
  std::stable_sort(results_.begin(), results_.end(), ended_sooner);
}

void LocalTeam::reclaim() {
  if (condemned_) return;
  const auto note = [this](std::uint32_t handle, std::uint64_t ticket, std::uint64_t word) {
    if (Flight* flight = find(handle, ticket)) {
      flight->worker = ipc::SlotWord::worker(word);
      flight->generation = ipc::SlotWord::generation(word);
    }
  };
  publisher_.reclaim(note, [this](std::uint64_t word) {
    const std::uint32_t generation = ipc::SlotWord::generation(word);
    if (generation == 0) return ipc::SlotWord::worker(word) == 0;
    return ipc::SlotWord::worker(word) < workers_.size() && generation <= last_generation_;
  });
}

void LocalTeam::take_results(WorkerProcess& worker) {
  ipc::ResultRecord record;
  std::uint32_t taken = 0;
  while (worker.results->try_take(&record)) {
    on_record(record, worker);
    worker.last_recorded = record.ticket;
    // Early, so that a worker in a flood of tiny jobs never finds its ring full.
    if (++taken % (kResultRecords / 4) == 0) worker.results->give_room();
  }
  if (worker.results->damaged() && worker.alive())
    worker.kill();  // what it had begun is lost, and named
  if (taken == 0) return;
  worker.results->give_room();
  worker.jobs_recorded += taken;
  barren_deaths_ = 0;
  barren_rebuilds_ = 0;
  if (taken >= kResultRecords / 2) bells_.ring(worker.id.number);
}

void LocalTeam::on_record(const ipc::ResultRecord& record, const WorkerProcess& worker) {
  Flight* flight = find(record.handle, record.ticket);
  if (flight == nullptr || flight->ended) return;  // a damaged or repeated record
  if (record.kind == ipc::EndKind::kNotBegun) {
    if (record.code == EAGAIN) shrink();
    give_back(record.handle);
    return;
  }
  flight->ended = true;
  flight->record = record;
  flight->out_of_memory = record.kind == ipc::EndKind::kSignaled && record.code == SIGKILL &&
                          oom_.killed_within(record.wall_ns + kRecordDelayNs);
  flight->worker = worker.id.number;
  flight->generation = worker.id.generation;
  if (kept_logs_) note_kept(*flight, record);
  ++flights_ended_;
  if ((record.flags & ipc::kResultPrinted) == 0 || flight->printed) {
    complete_ended(record.handle);
  } else if (observe_end_) {
    announce(*flight);
  }
}

void LocalTeam::announce(Flight& flight) {
  flight.announced = true;
  JobResult result = result_of(flight);
  result.job = flight.job;
  observe_end_(result);
}

void LocalTeam::take_prints(std::uint64_t next) {
  if (condemned_ || next - prints_seen_ > memory_.print_window()) return;
  for (; prints_seen_ < next; ++prints_seen_) {
    const ipc::PrintEntry entry = memory_.entry(prints_seen_);
    if (!is_whole(entry, prints_seen_) || !is_done(entry)) break;  // damaged: the audit will say so
    if (entry.state == ipc::PrintState::kSpooled) {
      for (int stream : {kStdout, kStderr}) {
        spool_space_[stream].note_printed(spools_[stream].get(), entry.begin[stream],
                                          entry.length[stream]);
      }
    }
    Flight* flight = find(entry.handle, entry.ticket);
    if (flight == nullptr) continue;
    flight->printed = true;
    if (flight->ended) complete_ended(entry.handle);
  }
  while (!skipped_.empty() && *skipped_.begin() < prints_seen_) skipped_.erase(skipped_.begin());
  memory_.table().prints_seen.store(prints_seen_, std::memory_order_release);
}

JobResult LocalTeam::result_of(const Flight& flight) const {
  const ipc::ResultRecord& record = flight.record;
  JobResult result;
  result.slot = flight.worker + 1;
  result.started_at = std::chrono::nanoseconds(record.start_ns);
  result.output_cut = (record.flags & ipc::kResultOutputCut) != 0;
  result.left_processes = (record.flags & ipc::kResultLeftovers) != 0;
  result.processes_escaped = (record.flags & ipc::kResultEscaped) != 0;
  result.input_short = (record.flags & ipc::kResultInputShort) != 0;
  result.output_held_back = (record.flags & ipc::kResultHeldBack) != 0;
  result.announced = flight.announced;
  const bool exited = (record.flags & ipc::kResultExitedOnStop) != 0;
  switch (record.kind) {
    case ipc::EndKind::kExited:
      result.outcome = Exited{record.code};
      break;
    case ipc::EndKind::kSignaled:
      result.outcome =
          Signaled{record.code, (record.flags & ipc::kResultCoreDumped) != 0, flight.out_of_memory};
      break;
    case ipc::EndKind::kTimedOut:
      result.outcome = TimedOut{exited ? 0 : record.code};
      break;
    case ipc::EndKind::kCanceled:
      result.outcome = Canceled{true, exited ? 0 : record.code};
      break;
    case ipc::EndKind::kSpawnFailed:
      result.outcome = SpawnFailed{record.code};
      break;
    case ipc::EndKind::kOutputFailed:
      result.outcome = OutputFailed{record.code};
      break;
    default:
      result.outcome = Lost{};
  }
  ResourceUse& use = result.use;
  use.wall = std::chrono::nanoseconds(record.wall_ns);
  use.queued = std::chrono::nanoseconds(record.queue_ns);
  use.user = std::chrono::microseconds(record.user_us);
  use.system = std::chrono::microseconds(record.sys_us);
  use.max_rss_kb = record.max_rss_kb;
  use.minor_faults = record.minor_faults;
  use.major_faults = record.major_faults;
  use.voluntary_switches = record.voluntary_switches;
  use.involuntary_switches = record.involuntary_switches;
  use.blocks_in = record.blocks_in;
  use.blocks_out = record.blocks_out;
  use.bytes_out = record.bytes[kStdout];
  use.bytes_err = record.bytes[kStderr];
  return result;
}

void LocalTeam::complete_ended(std::uint32_t handle) {
  complete(handle, result_of(flights_[handle]));
}

void LocalTeam::complete_canceled(std::uint32_t handle) {
  JobResult result;
  result.outcome = Canceled{};
  // Its place in the ordered output must not hold up the others.
  const Flight& flight = flights_[handle];
  if (spec_.ordered) {
    emit_nothing({.ticket = flight.ticket, .handle = handle, .order = flight.job.order});
  }
  complete(handle, std::move(result));
}

void LocalTeam::complete(std::uint32_t handle, JobResult result) {
  Flight& flight = flights_[handle];
  result.job = std::move(flight.job);
  if (flight.ended) --flights_ended_;
  if (flight.cancel != CancelWish::kNo) --cancels_wanted_;
  const ipc::KeptSpan kept = flight.kept;
  flight = Flight{};
  free_flights_.push_back(handle);
  --flights_in_use_;
  results_.push_back({std::move(result), kept});
}

void LocalTeam::skip_output(std::uint64_t order) {
  if (spec_.ordered) emit_nothing({.order = order});
}

void LocalTeam::emit_nothing(const ipc::Output& output) {
  skipped_.insert(output.order);
  printer_->emit_spooled(output);
}

bool LocalTeam::news_waiting() const {
  if (!results_.empty() || (keeper_ && keeper_->has_news())) return true;
  // Nobody tells us of slots that are done with. Where new jobs wait for one, we look ourselves:
  // all may have ended in one collect(), after it had taken slots back.
  const bool is_full = publisher_.room() == 0 || publisher_.waiting_bytes() >= kAheadBytes;
  const bool slots_wanted = is_full || !unpublished_.empty();
  if (!condemned_ && slots_wanted && publisher_.can_reclaim()) return true;
  if (!condemned_ && printer_->queue().next() != prints_seen_) {
    const ipc::PrintEntry entry = memory_.entry(prints_seen_);
    if (is_whole(entry, prints_seen_) && is_done(entry)) return true;
  }
  return std::any_of(workers_.begin(), workers_.end(), [](const WorkerProcess& worker) {
    return worker.alive() && worker.results->has_more();
  });
}

void LocalTeam::wait(std::span<const int> readable, std::chrono::nanoseconds limit) {
  oom_.begin();  // while the first worker starts
  bells_.announce_supervisor_waits();
  if (!news_waiting()) {
    // Cancellation is pressed again without a wake-up.
    std::chrono::nanoseconds longest = std::chrono::hours(1);
    if (flights_in_use_ > 0) longest = TeamWatch::kBetweenLooks;
    if (canceling_ || condemned_ || cancels_wanted_ > 0) longest = kPressAgain;
    const auto bound = limit.count() < 0 ? longest : std::min(limit, longest);
    const timespec span{static_cast<time_t>(bound.count() / 1'000'000'000),
                        static_cast<long>(bound.count() % 1'000'000'000)};
    pollfd watched[2 + kMostWatched] = {{poll_.get(), POLLIN, 0},
                                        {printer_->stalled_fd(), POLLOUT, 0}};
    nfds_t count = 2;
    for (const int fd : readable) watched[count++] = {fd, POLLIN, 0};
    ::ppoll(watched, count, &span, nullptr);
    if (watched[0].revents != 0) take_poll_events();
  }
  bells_.withdraw_supervisor_waits();
}

// Takes the edge of the eventfd and notes who has news.
void LocalTeam::take_poll_events() {
  epoll_event events[64];
  const int count = ::epoll_wait(poll_.get(), events, 64, 0);
  asking_.clear();
  for (int i = 0; i < count; ++i) {
    const std::uint32_t what = events[i].data.u32;
    if (what == kNobody) continue;
    if (what == kKeeper) {
      keeper_has_news_ = true;
    } else {
      asking_.push_back(what & ~kSocket);
    }
  }
  polled_ = true;
}

std::size_t LocalTeam::running() const {
  std::size_t count = 0;
  for (const WorkerProcess& worker : workers_) {
    if (worker.alive() && worker.results->current() != 0) ++count;
  }
  return count;
}

int LocalTeam::output_error() const {
  return ipc::unseal_error(memory_.control().output_error.load(std::memory_order_relaxed));
}

void LocalTeam::set_timeout(std::chrono::nanoseconds limit) {
  const auto value = static_cast<std::uint64_t>(limit.count());
  if (memory_.table().timeout_ns.exchange(value) == value) return;
  for (const WorkerProcess& worker : workers_) {
    if (worker.alive()) worker.wake();
  }
}

void LocalTeam::expect_more(bool more) {
  const std::uint32_t mark = more ? std::min(kSlots / 4, spec_.look_ahead / 4) : 0;
  memory_.table().low_mark.store(mark, std::memory_order_relaxed);
}

void LocalTeam::set_suspended(bool suspended) {
  std::atomic<std::uint32_t>& flags = memory_.table().flags;
  if (suspended) {
    flags.fetch_or(ipc::kFlagSuspend);
  } else {
    flags.fetch_and(~ipc::kFlagSuspend);
  }
  for (const WorkerProcess& worker : workers_) {
    if (worker.alive()) worker.wake();
  }
}

}  // namespace enjoin
