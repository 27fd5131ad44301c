#include "runner/team/audit.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include <linux/futex.h>

#include "ipc/print_queue.h"
#include "ipc/seal.h"

namespace enjoin {
namespace {

using ipc::SlotState;
using ipc::SlotWord;

constexpr std::uint64_t kReady = SlotWord::pack(SlotState::kReady, 0, 0);
constexpr std::uint64_t kSupervisorWord =
    SlotWord::pack(SlotState::kClaimed, ipc::PrintQueue::kSupervisorNumber, 1);

class Audit {
 public:
  Audit(const ControlCopy& copy, const TeamRecord& record) : copy_(copy), record_(record) {}

  std::vector<Finding> run() {
    if (std::memcmp(&copy_.header, &record_.header, sizeof copy_.header) != 0) {
      found(Damage::kHeader, 0, 0);
    }
    look_at_locks();
    look_at_slots();
    look_at_words();
    look_at_jobs();
    return std::move(findings_);
  }

 private:
  void found(Damage what, std::uint64_t place, std::uint64_t value,
             std::uint32_t suspect = kNoSuspect) {
    findings_.push_back({what, place, value, suspect});
  }

  const TeamRecord::Worker* live_worker(std::uint64_t word) const {
    const std::uint32_t number = SlotWord::worker(word);
    if (number >= record_.workers.size()) return nullptr;
    const TeamRecord::Worker& worker = record_.workers[number];
    return worker.alive && worker.id.owns(word) ? &worker : nullptr;
  }

  void look_at_locks() {
    for (int lock : {0, 1}) {
      const std::uint32_t owner = copy_.lock[lock] & FUTEX_TID_MASK;
      if (owner == 0) continue;  // we ourselves hold none
      const bool known = std::any_of(record_.workers.begin(), record_.workers.end(),
                                     [owner](const TeamRecord::Worker& one) {
                                       return one.alive && (one.pid == owner || one.pid == 0);
                                     });
      if (!known) found(lock == 0 ? Damage::kClaimLock : Damage::kPrintLock, 0, copy_.lock[lock]);
    }
  }

  void look_at_slots() {
    if (copy_.head > record_.tail) found(Damage::kHead, 0, copy_.head);
    for (std::size_t at = 0; at < copy_.states.size(); ++at) {
      const std::uint64_t position = record_.freed + at;
      const std::uint64_t word = copy_.states[at];
      if (position >= record_.tail) {
        if (word != 0) found(Damage::kSlot, position, word);
        continue;
      }
      look_at_slot(position, word, record_.tickets[at]);
    }
  }

  void look_at_slot(std::uint64_t position, std::uint64_t word, std::uint64_t ticket) {
    const std::uint32_t generation = SlotWord::generation(word);
    switch (SlotWord::state(word)) {
      case SlotState::kReady:
        if (word != kReady) break;
        if (position < copy_.head) found(Damage::kHead, position, ticket);
        return;
      case SlotState::kClaimed:
        if (live_worker(word) == nullptr) break;
        return;
      case SlotState::kStarted: {
        const TeamRecord::Worker* const worker = live_worker(word);
        if (worker == nullptr) break;
        if (worker->current != ticket) found(Damage::kSlot, position, word, worker->id.number);
        return;
      }
      case SlotState::kReleased:
        if (SlotWord::worker(word) == 0 && generation == 0) return;  // withdrawn
        if (SlotWord::worker(word) >= record_.workers.size() || generation == 0 ||
            generation > record_.last_generation) {
          break;
        }
        return;
      case SlotState::kEmpty:
        break;
    }
    found(Damage::kSlot, position, word);
  }

  void look_at_words() {
    const std::uint64_t farthest = record_.prints_seen + record_.print_window;
    if (copy_.output_error != 0 && ipc::unseal_error(copy_.output_error) == 0) {
      found(Damage::kOutputError, 0, copy_.output_error);
    }
    for (int stream : {0, 1}) {
      const auto end = ipc::unseal(copy_.spool_end[stream]);
      if (!end || *end < record_.least_spool_end[stream]) {
        found(Damage::kSpoolEnd, static_cast<std::uint64_t>(stream), copy_.spool_end[stream]);
      }
    }
    if (copy_.print_next < record_.prints_seen || copy_.print_next > farthest) {
      found(Damage::kPrintNext, 0, copy_.print_next);
      return;
    }
    if (!record_.ordered) {
      if (copy_.print_end > farthest) found(Damage::kPrintEnd, 0, copy_.print_end);
      for (std::size_t at = 0; at < copy_.entries.size(); ++at) {
        const std::uint64_t order = copy_.first_entry + at;
        const ipc::PrintEntry& entry = copy_.entries[at];
        const bool given_out = order < copy_.print_end || order < copy_.print_next;
        const bool good =
            is_whole(entry, order) && (order >= copy_.print_next || ipc::is_done(entry));
        if (given_out && !good) found(Damage::kEntry, order, 0);
      }
    } else if (copy_.print_next > record_.prints_seen) {
      // What lies between was printed in no time, or cannot have been.
      const ipc::PrintEntry& entry = copy_.entries.front();
      if (!is_whole(entry, record_.prints_seen) || !ipc::is_done(entry)) {
        found(Damage::kEntry, record_.prints_seen, 0);
      }
    }
    look_at_baton();
  }

  void look_at_baton() {
    if (copy_.baton == 0) return;
    if (copy_.baton != kSupervisorWord) {
      const TeamRecord::Worker* const holder = live_worker(copy_.baton);
      if (holder == nullptr || SlotWord::state(copy_.baton) != SlotState::kClaimed) {
        return found(Damage::kBaton, 0, copy_.baton);
      }
      if (!holder->holds_baton) found(Damage::kBaton, 0, copy_.baton, holder->id.number);
    }
    const std::uint64_t next = copy_.print_next;
    if (copy_.printing != 0 && copy_.printing != next && copy_.printing != next + 1) {
      return found(Damage::kPrinting, 0, copy_.printing);
    }
    if (copy_.printing != next + 1) return;
    const ipc::PrintEntry& entry = copy_.next_entry;
    if (!is_whole(entry, next)) return found(Damage::kEntry, next, 0);
    for (int stream : {0, 1}) {
      const std::int64_t limit = entry.begin[stream] + entry.length[stream];
      if (copy_.print_limit[stream] != limit || copy_.printed[stream] < entry.begin[stream] ||
          copy_.printed[stream] > limit) {
        found(Damage::kPrinted, static_cast<std::uint64_t>(stream),
              static_cast<std::uint64_t>(copy_.printed[stream]));
      }
    }
  }

  // Each job is in a slot, with a worker, or ended and in the print queue.
  void look_at_jobs() {
    std::unordered_set<std::uint64_t> in_hand;
    for (const TeamRecord::Worker& worker : record_.workers) {
      if (worker.alive && worker.current != 0) in_hand.insert(worker.current);
    }
    std::unordered_set<std::uint64_t> handed_in;
    for (std::size_t at = 0; at < copy_.entries.size(); ++at) {
      if (is_whole(copy_.entries[at], copy_.first_entry + at)) {
        handed_in.insert(copy_.entries[at].ticket);
      }
    }
    const std::unordered_set<std::uint64_t> in_slots(record_.tickets.begin(),
                                                     record_.tickets.end());
    for (std::size_t at = 0; at < record_.jobs.size(); ++at) {
      const TeamRecord::Job& job = record_.jobs[at];
      if (in_hand.count(job.ticket) != 0) continue;
      const std::uint32_t suspect = suspect_for(job);
      if (!job.ended) {
        if (in_slots.count(job.ticket) == 0) found(Damage::kLostJob, job.ticket, 0, suspect);
        continue;
      }
      const bool there = record_.ordered ? is_whole(copy_.of_jobs[at], job.order) &&
                                               copy_.of_jobs[at].ticket == job.ticket
                                         : handed_in.count(job.ticket) != 0;
      if (!there) found(Damage::kEntry, job.order, job.ticket, suspect);
    }
  }

  // Who may be about to say what becomes of the job.
  std::uint32_t suspect_for(const TeamRecord::Job& job) const {
    const ipc::WorkerId& id = job.worker;
    if (id.generation == 0 || id.number >= record_.workers.size()) return kNoSuspect;
    const TeamRecord::Worker& worker = record_.workers[id.number];
    return worker.alive && worker.id == id ? id.number : kNoSuspect;
  }

  const ControlCopy& copy_;
  const TeamRecord& record_;
  std::vector<Finding> findings_;
};

const char* name_of(Damage damage) {
  switch (damage) {
    case Damage::kHeader:
      return "header";
    case Damage::kClaimLock:
      return "owner of the lock of the queue";
    case Damage::kPrintLock:
      return "owner of the lock of output";
    case Damage::kSlot:
      return "slot";
    case Damage::kHead:
      return "head of the queue";
    case Damage::kEntry:
      return "entry of output";
    case Damage::kPrintNext:
      return "next output";
    case Damage::kPrintEnd:
      return "end of output";
    case Damage::kBaton:
      return "holder of the baton";
    case Damage::kPrinting:
      return "output being printed";
    case Damage::kPrinted:
      return "place in output";
    case Damage::kSpoolEnd:
      return "end of the spool";
    case Damage::kOutputError:
      return "error of output";
    case Damage::kLostJob:
      return "job that nobody has";
  }
  return "?";
}

}  // namespace

std::string to_string(const Finding& finding) {
  return std::string(name_of(finding.what)) + " (" + std::to_string(finding.place) + ", " +
         std::to_string(finding.value) + ")";
}

ControlCopy copy_control(const ipc::TeamMemory& memory, const TeamRecord& record) {
  const ipc::ControlHeader& control = memory.control();
  ControlCopy copy;
  copy.header = control.header;
  copy.lock[0] = control.claim_lock.word.load(std::memory_order_relaxed);
  copy.lock[1] = control.print_lock.word.load(std::memory_order_relaxed);
  copy.taken[0] = control.claim_lock.taken.load(std::memory_order_relaxed);
  copy.taken[1] = control.print_lock.taken.load(std::memory_order_relaxed);
  copy.states.reserve(memory.slots());
  for (std::uint64_t at = 0; at < memory.slots(); ++at) {
    copy.states.push_back(memory.state(record.freed + at).load(std::memory_order_acquire));
  }
  copy.head = control.head.load(std::memory_order_acquire);
  copy.output_error = control.output_error.load(std::memory_order_relaxed);
  copy.print_next = control.print_next.load(std::memory_order_acquire);
  copy.print_end = control.print_end.load(std::memory_order_relaxed);
  copy.baton = control.baton.load(std::memory_order_acquire);
  copy.printing = control.printing;
  for (int stream : {0, 1}) {
    copy.spool_end[stream] = control.spool_end[stream].load(std::memory_order_relaxed);
    copy.printed[stream] = control.printed[stream];
    copy.print_limit[stream] = control.print_limit[stream];
  }
  copy.next_entry = memory.entry(copy.print_next);
  copy.first_entry = record.prints_seen;
  if (record.ordered) {
    copy.entries.push_back(memory.entry(record.prints_seen));
    for (const TeamRecord::Job& job : record.jobs) {
      copy.of_jobs.push_back(job.ended ? memory.entry(job.order) : ipc::PrintEntry{});
    }
  } else {
    // print_end may lag by what dead workers stored.
    const std::uint64_t given_out = std::max(copy.print_end, copy.print_next);
    const std::uint64_t used = given_out > record.prints_seen ? given_out - record.prints_seen : 0;
    const std::uint64_t count = std::min<std::uint64_t>(
        std::min<std::uint64_t>(used, record.print_window) + record.workers.size() + 2,
        record.print_window);
    for (std::uint64_t at = 0; at < count; ++at) {
      copy.entries.push_back(memory.entry(record.prints_seen + at));
    }
  }
  return copy;
}

std::vector<Finding> audit(const ControlCopy& copy, const TeamRecord& record) {
  return Audit(copy, record).run();
}

PrintPosition find_position(const ipc::TeamMemory& memory, std::uint64_t prints_seen) {
  const ipc::ControlHeader& control = memory.control();
  const std::uint64_t end = prints_seen + memory.print_window();
  const auto entry_at = [&](std::uint64_t order) { return ipc::PrintEntry(memory.entry(order)); };
  const auto passed = [&](std::uint64_t order) {
    const ipc::PrintEntry entry = entry_at(order);
    return is_whole(entry, order) && is_done(entry);
  };
  PrintPosition position;
  position.next = prints_seen;
  // Printing goes strictly in order: what lies below a printed entry is printed.
  for (std::uint64_t order = prints_seen; order < end; ++order) {
    const ipc::PrintEntry entry = entry_at(order);
    const bool printed = is_whole(entry, order) && entry.printed == (entry.sum ^ ipc::kPrintedMark);
    if (printed) position.next = order + 1;
  }
  while (position.next < end && passed(position.next)) ++position.next;
  // The last one may be damaged itself; then only the word is left to ask.
  const bool next_is_damaged = !is_whole(entry_at(position.next), position.next);
  const std::uint64_t said = control.print_next.load(std::memory_order_acquire);
  if (next_is_damaged && said == position.next + 1) position.next = said;
  const ipc::PrintEntry entry = entry_at(position.next);
  if (!is_whole(entry, position.next) || control.printing != position.next + 1) return position;
  position.begun = true;
  for (int stream : {0, 1}) {
    position.begin[stream] = control.printed[stream];
    const std::int64_t done = position.begin[stream] - entry.begin[stream];
    if (done < 0 || done > entry.length[stream]) position.begun = false;
  }
  return position;
}

}  // namespace enjoin
