// What the team does when shared memory is damaged.
//
//   condemn    the reason is said, kFlagCondemned is set, everybody is woken. From now on nobody
//              touches the control segment: a worker lets its running job end, records it in its
//              own results, says there what of its output it could not print, and leaves.
//   press      workers that do not leave although they run no job are killed.
//   rebuild    when the last has gone: what can be known is gathered (Salvage), memory is made
//              anew, output that waits is handed in again, jobs that had not begun are published
//              again.
//
// What each job is told by, in this order: its record; what its worker says in its own results; its
// slot. Output lies where an entry with a good sum says, or in the files of the worker that left
// it. Where neither tells, the output is lost: said, and the job recorded as failed.

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <map>
#include <unistd.h>

#include <sys/stat.h>

#include "enjoin/error.h"
#include "ipc/seal.h"
#include "runner/team/local_team.h"
#include "runner/team/process_sight.h"
#include "worker/job_watch.h"

namespace enjoin {
namespace {

constexpr std::uint64_t kLeavePatienceNs = 2'000'000'000;
constexpr std::uint64_t kStoppedPatienceNs = 1'000'000'000;
constexpr std::uint64_t kUnknownPatienceNs = 5'000'000'000;
constexpr std::uint32_t kMostBarrenRebuilds = 8;
constexpr int kNudge = SIGUSR1;  // ends a write that blocks; see SupervisorLink

std::int64_t size_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? static_cast<std::int64_t>(status.st_size) : 0;
}

}  // namespace

/// What is known of jobs and output, before memory is made anew.
struct LocalTeam::Salvage {
  struct Piece {
    std::uint32_t handle = 0;
    std::uint64_t order = 0;                ///< in the old numbers
    const WorkerProcess* source = nullptr;  ///< whose files it lies in; nullptr: the spools
    bool whole_file = false;                ///< all that is in them
    std::int64_t begin[2] = {0, 0};
    std::int64_t end[2] = {0, 0};
  };
  std::vector<Piece> pieces;            ///< to be printed, in this order
  std::vector<std::uint32_t> printed;   ///< handles
  std::vector<std::uint32_t> vanished;  ///< ended, and their output cannot be found
  std::vector<std::uint32_t> begun;     ///< no record, and they had begun
  std::vector<std::uint32_t> not_begun;
  PrintPosition position;
  std::uint64_t spool_end[2] = {0, 0};

  void find_output(LocalTeam& team);
  void find_jobs(LocalTeam& team);
};

TeamCounters LocalTeam::counters() const {
  TeamCounters counters = counters_;
  counters.locks_healed += publisher_.locks_healed() + printer_->queue().locks_healed();
  return counters;
}

// ---- condemning --------------------------------------------------------------------------------

void LocalTeam::condemn(const std::string& why) {
  if (condemned_) return;
  condemned_ = true;
  memory_.table().flags.fetch_or(ipc::kFlagCondemned);
  tell("shared memory is damaged: " + why + "; it is made anew when the running jobs have ended");
  watch_.condemned_at_ns = monotonic_ns();
  watch_.idle_since_ns.assign(workers_.size(), watch_.condemned_at_ns);
  watch_.last_look_ns = 0;  // the next turn presses
}

// Called again and again until all have left.
void LocalTeam::press_condemned() {
  if (alive_ == 0) return rebuild();
  const std::uint64_t now = monotonic_ns();
  constexpr std::uint64_t between_ns = 100'000'000;
  if (now - watch_.last_look_ns < between_ns) return;
  const bool gap = now - watch_.last_look_ns > TeamWatch::kGapNs;
  watch_.last_look_ns = now;
  for (const WorkerProcess& worker : workers_) {
    if (!worker.alive()) continue;
    std::uint64_t& idle_since = watch_.idle_since_ns[worker.id.number];
    bells_.ring(worker.id.number);
    worker.wake();
    if (worker.pid == 0) {
      if (now - watch_.condemned_at_ns > kUnknownPatienceNs) worker.kill();
      continue;
    }
    worker.signal(kNudge);
    const std::optional<ProcessSight> sight = see_process(worker.pid);
    if (gap || has_living_child(worker.pid) || (sight && sight->state == 't')) idle_since = now;
    if (sight && sight->state == 'T' && now - watch_.condemned_at_ns > kStoppedPatienceNs) {
      worker.signal(SIGCONT);
    }
    if (now - idle_since > kLeavePatienceNs) worker.kill();
  }
}

// ---- gathering ---------------------------------------------------------------------------------

LocalTeam::Salvage LocalTeam::salvage() {
  Salvage found;
  found.position = find_position(memory_, prints_seen_);
  found.find_output(*this);
  found.find_jobs(*this);
  return found;
}

// Of jobs that have ended: what is printed, and where the rest lies.
void LocalTeam::Salvage::find_output(LocalTeam& team) {
  const PrintPosition& at = position;
  const auto worker_of = [&team](const Flight& flight) -> const WorkerProcess* {
    if (flight.generation == 0 || flight.worker >= team.workers_.size()) return nullptr;
    const WorkerProcess& worker = team.workers_[flight.worker];
    return worker.results && worker.id.generation == flight.generation ? &worker : nullptr;
  };
  // How far the one entry is that was being printed: who printed it knows best.
  ipc::LeftOutput printing = team.printer_->interrupted();
  for (const WorkerProcess& worker : team.workers_) {
    if (!worker.results || worker.end == WorkerEnd::kDied) continue;
    const ipc::LeftOutput said = worker.results->printing();
    if (said.end[0] != 0 || said.end[1] != 0) printing = said;
  }
  std::map<std::uint64_t, ipc::PrintEntry> entries;  // by ticket
  for (std::uint64_t order = team.prints_seen_;
       order < team.prints_seen_ + team.memory_.print_window(); ++order) {
    const ipc::PrintEntry entry = team.memory_.entry(order);
    if (!is_whole(entry, order)) continue;
    if (entry.ticket != 0) entries[entry.ticket] = entry;
    for (int stream : {0, 1}) {
      if (entry.state != ipc::PrintState::kSpooled) continue;
      const auto end = static_cast<std::uint64_t>(entry.begin[stream] + entry.length[stream]);
      spool_end[stream] = std::max(spool_end[stream], end);
    }
  }
  for (std::uint32_t handle = 0; handle < team.flights_.size(); ++handle) {
    const Flight& flight = team.flights_[handle];
    if (!flight.in_use || !flight.ended || flight.printed) continue;
    const WorkerProcess* const worker = worker_of(flight);
    const auto entry = entries.find(flight.ticket);
    const bool has_entry = entry != entries.end();
    Piece piece{.handle = handle, .order = has_entry ? entry->second.order : ~0ULL};
    if (team.spec_.ordered) piece.order = flight.job.order;
    const ipc::LeftOutput left = worker != nullptr ? worker->results->left() : ipc::LeftOutput{};
    bool left_is_good = left.ticket == flight.ticket && worker->end != WorkerEnd::kDied;
    for (int stream : {0, 1}) {
      piece.begin[stream] = left.begin[stream];
      piece.end[stream] = left.end[stream];
      left_is_good = left_is_good && left.begin[stream] >= 0 &&
                     left.begin[stream] <= left.end[stream] &&
                     left.end[stream] <= size_of(worker->capture[stream].get());
    }
    if (left_is_good) {
      piece.source = worker;
      pieces.push_back(piece);
      continue;
    }
    if (has_entry ? piece.order < at.next : team.spec_.ordered && piece.order < at.next) {
      printed.push_back(handle);
      continue;
    }
    if (has_entry) {
      const ipc::PrintEntry& said = entry->second;
      const bool direct = said.state == ipc::PrintState::kDirect;
      if (direct && worker == nullptr) {
        vanished.push_back(handle);
        continue;
      }
      piece.source = direct ? worker : nullptr;
      const bool begun_here = printing.ticket == flight.ticket && printing.order == said.order;
      const bool begun_there = at.begun && said.order == at.next;
      for (int stream : {0, 1}) {
        piece.begin[stream] = begun_here    ? printing.begin[stream]
                              : begun_there ? at.begin[stream]
                                            : said.begin[stream];
        piece.end[stream] = said.begin[stream] + said.length[stream];
        piece.begin[stream] =
            std::clamp(piece.begin[stream], said.begin[stream], piece.end[stream]);
      }
      pieces.push_back(piece);
      continue;
    }
    // Its worker died between the record and the entry, and what it wrote is still there.
    if (worker != nullptr && worker->end == WorkerEnd::kDied &&
        worker->last_recorded == flight.ticket) {
      piece.source = worker;
      piece.whole_file = true;
      pieces.push_back(piece);
      continue;
    }
    // Printed perhaps, its entry damaged only then: a job whose output may be lost has not
    // succeeded.
    vanished.push_back(handle);
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.order < b.order; });
  for (int stream : {0, 1}) {
    const auto size = static_cast<std::uint64_t>(size_of(team.spools_[stream].get()));
    constexpr std::uint64_t page = 4096;
    spool_end[stream] = (std::max(spool_end[stream], size) + page - 1) / page * page;
  }
}

// Of jobs without a record: which had begun.
void LocalTeam::Salvage::find_jobs(LocalTeam& team) {
  const std::uint64_t last_ticket = team.publisher_.last_ticket();
  bool somebody_unknown = false;  // a dead worker's own word is damaged too
  std::map<std::uint64_t, WorkerProcess*> in_hand;
  for (WorkerProcess& worker : team.workers_) {
    if (!worker.results || worker.end != WorkerEnd::kDied) continue;
    const std::uint64_t current = worker.results->current();
    if (current != 0) in_hand[current] = &worker;
    if (current > last_ticket) somebody_unknown = true;
  }
  std::map<std::uint64_t, std::uint64_t> words;  // by ticket
  for (std::uint64_t at_slot = team.publisher_.freed(); at_slot < team.publisher_.tail();
       ++at_slot) {
    words[team.publisher_.ticket_at(at_slot)] = team.memory_.state(at_slot).load();
  }
  for (std::uint32_t handle = 0; handle < team.flights_.size(); ++handle) {
    Flight& flight = team.flights_[handle];
    if (!flight.in_use || flight.ended || flight.ticket == 0) continue;
    const auto held = in_hand.find(flight.ticket);
    const auto word = words.find(flight.ticket);
    bool had_begun = flight.generation != 0;
    if (held != in_hand.end()) {
      had_begun = true;
      flight.worker = held->second->id.number;
      flight.generation = held->second->id.generation;
    } else if (word != words.end()) {
      const ipc::SlotState state = ipc::SlotWord::state(word->second);
      const std::uint32_t number = ipc::SlotWord::worker(word->second);
      const bool names_worker = number < team.workers_.size() && team.workers_[number].results &&
                                team.workers_[number].id.owns(word->second);
      const bool started = state == ipc::SlotState::kStarted || state == ipc::SlotState::kReleased;
      const bool good = (state == ipc::SlotState::kReady && word->second == 1) || names_worker;
      if (started && names_worker && team.workers_[number].end == WorkerEnd::kDied) {
        had_begun = true;
        flight.worker = number;
        flight.generation = team.workers_[number].id.generation;
      } else if (!good && somebody_unknown) {
        had_begun = true;
      }
    }
    (had_begun ? begun : not_begun).push_back(handle);
  }
}

// ---- making it anew ----------------------------------------------------------------------------

void LocalTeam::rebuild() {
  if (++barren_rebuilds_ > kMostBarrenRebuilds) {
    throw Error("shared memory is damaged again and again; stopping");
  }
  ++counters_.rebuilds;
  for (WorkerProcess& worker : workers_) {
    if (worker.results) take_results(worker);
  }
  const Salvage found = salvage();
  make_memory_anew(found);
  print_salvaged(found);
  restart_jobs(found);
  for (WorkerProcess& worker : workers_) {
    if (worker.results) forgive(worker);
  }
  publish_waiting();
}

void LocalTeam::make_memory_anew(const Salvage& found) {
  counters_.locks_healed += publisher_.locks_healed() + printer_->queue().locks_healed();
  const std::uint32_t flags = memory_.table().flags.load() & ~ipc::kFlagCondemned;
  const std::uint32_t low_mark = memory_.table().low_mark.load();
  const std::uint64_t timeout_ns = memory_.table().timeout_ns.load();
  const std::uint32_t output_error = memory_.control().output_error.load();
  const std::uint64_t last_ticket = publisher_.last_ticket();
  const ipc::Geometry geometry{.slots = memory_.slots(),
                               .workers = memory_.workers(),
                               .print_window = memory_.print_window(),
                               .arena_bytes = memory_.arena_bytes()};
  // The readers' counts lie in the old one.
  for (WorkerProcess& worker : workers_) {
    if (worker.results) worker.results->forget_room();
  }
  printer_.reset();
  memory_ = ipc::TeamMemory::create(geometry);
  header_ = memory_.control().header;
  publisher_ = ipc::ClaimPublisher(memory_);
  publisher_.count_tickets_from(last_ticket);
  printer_ = make_printer();
  memory_.table().flags.store(flags);
  memory_.table().low_mark.store(low_mark);
  memory_.table().timeout_ns.store(timeout_ns);
  ipc::ControlHeader& control = memory_.control();
  if (ipc::unseal_error(output_error) != 0) control.output_error.store(output_error);
  prints_seen_ = found.position.next;
  memory_.table().prints_seen.store(prints_seen_);
  control.print_next.store(prints_seen_);
  control.print_end.store(spec_.ordered ? 0 : prints_seen_);
  for (int stream : {0, 1}) {
    control.spool_end[stream].store(ipc::seal(found.spool_end[stream]));
    watch_.least_spool_end[stream] = found.spool_end[stream];
  }
  watch_.findings.clear();
  for (TeamWatch::Holding& holding : watch_.holding) holding = {};
  watch_.last_look_ns = monotonic_ns();
  condemned_ = false;
}

void LocalTeam::print_salvaged(const Salvage& found) {
  for (const std::uint32_t handle : found.printed) {
    flights_[handle].printed = true;
    complete_ended(handle);
  }
  for (const std::uint64_t order : std::set<std::uint64_t>(skipped_)) {
    if (order >= prints_seen_) emit_nothing({.order = order});
  }
  for (const Salvage::Piece& piece : found.pieces) {
    const Flight& flight = flights_[piece.handle];
    ipc::Output output{.ticket = flight.ticket,
                       .handle = piece.handle,
                       .order = spec_.ordered ? flight.job.order : ipc::kNoOrder};
    if (piece.whole_file) {
      emit_left_output(piece.handle, workers_[flight.worker]);
      continue;
    }
    for (int stream : {0, 1}) {
      output.begin[stream] = piece.begin[stream];
      output.length[stream] = piece.end[stream] - piece.begin[stream];
    }
    if (output.length[0] == 0 && output.length[1] == 0 && !spec_.ordered) {
      flights_[piece.handle].printed = true;
      complete_ended(piece.handle);
    } else if (piece.source == nullptr) {
      printer_->emit_spooled(output);
    } else {
      printer_->emit(
          output,
          CaptureFiles(ipc::UniqueFd(::fcntl(piece.source->capture[0].get(), F_DUPFD_CLOEXEC, 3)),
                       ipc::UniqueFd(::fcntl(piece.source->capture[1].get(), F_DUPFD_CLOEXEC, 3))));
    }
  }
  for (const std::uint32_t handle : found.vanished) {
    Flight& flight = flights_[handle];
    tell("the output of job " + std::to_string(flight.job.id.seq) + " was lost with it");
    flight.record.kind = ipc::EndKind::kOutputFailed;
    flight.record.code = EIO;
    if (spec_.ordered) {
      emit_nothing({.ticket = flight.ticket, .handle = handle, .order = flight.job.order});
    } else {
      complete_ended(handle);
    }
  }
}

// In the order in which they had been published, before those that had not been.
void LocalTeam::restart_jobs(const Salvage& found) {
  for (const std::uint32_t handle : found.begun) {
    const Flight& flight = flights_[handle];
    const bool there = flight.worker < workers_.size() && workers_[flight.worker].results &&
                       workers_[flight.worker].id.generation == flight.generation;
    lose_job(handle, there ? &workers_[flight.worker] : nullptr);
  }
  for (const std::uint32_t handle : found.not_begun) give_back(handle);
  std::sort(unpublished_.begin(), unpublished_.end(), [this](std::uint32_t a, std::uint32_t b) {
    return flights_[a].job.id.seq < flights_[b].job.id.seq;
  });
}

// It had not begun: it is published again. False: it was canceled instead.
bool LocalTeam::give_back(std::uint32_t handle) {
  Flight& flight = flights_[handle];
  if (canceling_ || flight.cancel != CancelWish::kNo) {
    complete_canceled(handle);
    return false;
  }
  flight.ticket = 0;
  flight.worker = 0;
  flight.generation = 0;
  unpublished_.push_back(handle);
  ++counters_.requeued;
  return true;
}

}  // namespace enjoin
