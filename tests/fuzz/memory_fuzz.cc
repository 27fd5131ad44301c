// libFuzzer target: shared memory that a job has scribbled on, while the supervisor and two workers
// use it, and while the supervisor puts it right after a death. The input is a program: operations
// of the three in any order, between them stores of any value to any place that a worker can write.
// Whatever it does, nobody leaves the memory, loops for ever or breaks off, and the supervisor
// hears of no job that it has not published, and of none twice.
//
// Locks are made good again before an operation that would wait for one: that is the watchdog's
// part. All others meet them as they are.

#include <cstring>
#include <fcntl.h>
#include <memory>
#include <set>
#include <unistd.h>
#include <vector>

#include <sys/mman.h>

#include "fuzz/fuzz_input.h"
#include "ipc/bells.h"
#include "ipc/print_queue.h"
#include "ipc/results.h"
#include "ipc/team_memory.h"
#include "runner/team/audit.h"
#include "worker/printer.h"

namespace {

using namespace enjoin;
using namespace enjoin::ipc;
using enjoin::test::FuzzInput;
using enjoin::test::require;
using std::chrono::nanoseconds;

constexpr std::uint32_t kWorkers = 2;
constexpr WorkerId kSupervisor{PrintQueue::kSupervisorNumber, 1};

UniqueFd copy_of(int fd) {
  return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

UniqueFd file_of(const char* text) {
  UniqueFd fd(::memfd_create("fuzz", MFD_CLOEXEC));
  require(::write(fd.get(), text, std::strlen(text)) >= 0);
  return fd;
}

struct WorkerEnd {
  WorkerEnd(const TeamMemory& team, std::uint32_t number, AtomicU64& taken)
      : id{number, number + 1},
        memory(TeamMemory::attach(copy_of(team.table_fd()), copy_of(team.control_fd()))),
        ring(create_results(4, id)),
        queue(memory, id),
        prints(memory, id),
        writer(
            Segment::attach(copy_of(ring.fd()), SegmentKind::kResults, SegmentRights::kSharedWrite),
            taken),
        scribble(Segment::attach(copy_of(ring.fd()), SegmentKind::kResults,
                                 SegmentRights::kSharedWrite)),
        reader(std::move(ring), taken) {}
  WorkerId id;
  TeamMemory memory;
  Segment ring;
  ClaimQueue queue;
  PrintQueue prints;
  ResultWriter writer;
  Segment scribble;
  ResultReader reader;
  std::vector<std::uint64_t> claimed;
};

class World {
 public:
  explicit World(FuzzInput& input)
      : input_(input),
        team_(TeamMemory::create(
            {.slots = 8, .workers = kWorkers, .print_window = 8, .arena_bytes = 256})),
        publisher_(team_),
        bells_(team_),
        spools_{file_of("spool"), file_of("spool")},
        captures_{file_of("capture"), file_of("capture")},
        null_(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
      workers_.push_back(std::make_unique<WorkerEnd>(team_, i, team_.orders(i).results_taken));
    }
    const int destinations[2] = {null_.get(), null_.get()};
    const int spools[2] = {spools_[0].get(), spools_[1].get()};
    printer_ = std::make_unique<Printer>(team_, kSupervisor, destinations, spools, Patience::kNever,
                                         [] { return true; });
  }

  void run() {
    while (!input_.empty()) step();
  }

 private:
  void step() {
    const std::uint8_t what = input_.number();
    WorkerEnd& worker = *workers_[(what >> 6) % kWorkers];
    switch (what % 17) {
      case 0:
        return scribble();
      case 1:
        return scribble_results(worker);
      case 2:
        return publish();
      case 3:
        return claim(worker);
      case 4:
        return begin_jobs(worker);
      case 5:
        return give_back(worker);
      case 6:
        return record(worker);
      case 7:
        return print(worker);
      case 8:
        return hand_in(worker);
      case 9:
        return ring();
      case 10:
        return take_records(worker);
      case 11:
        return after_death(worker);
      case 12:
        return withdraw();
      case 13:
        return reclaim();
      case 14:
        return supervisor_prints(worker);
      case 15:
        return pass_prints();
      default:
        return look_for_damage();
    }
  }

  // ---- whoever has the control segment may do this ---------------------------------------------

  void scribble() {
    auto* const base = reinterpret_cast<std::byte*>(&team_.control());
    const std::size_t size = team_.control().header.size_bytes;
    const std::size_t at = input_.below(static_cast<std::uint32_t>(size));
    const std::uint64_t value = input_.odd_number();
    if (at < sizeof(SegmentHeader)) return;  // read once, when a worker attaches: attach_fuzz
    std::memcpy(base + at, &value, std::min(sizeof value, size - at));
  }
  void scribble_results(WorkerEnd& worker) {
    const std::size_t size = worker.scribble.size_bytes();
    const std::size_t at = std::max<std::size_t>(sizeof(SegmentHeader),
                                                 input_.below(static_cast<std::uint32_t>(size)));
    const std::uint64_t value = input_.odd_number();
    std::memcpy(worker.scribble.base() + at, &value, std::min(sizeof value, size - at));
  }
  void heal_locks() {
    RobustMutex::initialise(team_.control().claim_lock);
    RobustMutex::initialise(team_.control().print_lock);
  }

  // ---- workers -------------------------------------------------------------------------------

  void claim(WorkerEnd& worker) {
    heal_locks();
    std::uint64_t positions[8];
    std::uint64_t left = 0;
    const std::size_t most = 1 + input_.number() % 8;
    const std::size_t count = worker.queue.claim({positions, most}, &left);
    require(count <= most);
    for (std::size_t i = 0; i < count; ++i) {
      require(positions[i] < published_);
      worker.claimed.push_back(positions[i]);
      const JobSlot slot = worker.queue.slot(positions[i]);
      require(worker.memory.payload(slot).size() == slot.payload_size);
    }
  }
  void begin_jobs(WorkerEnd& worker) {
    if (worker.claimed.empty()) return;
    const std::uint64_t position = worker.claimed.back();
    worker.claimed.pop_back();
    if (worker.queue.try_start(position) && (input_.number() & 1) != 0) {
      worker.queue.release(position);
    }
  }
  void give_back(WorkerEnd& worker) {
    heal_locks();
    worker.queue.hand_back(worker.claimed);
    worker.claimed.clear();
  }
  void record(WorkerEnd& worker) {
    ResultRecord* const record = worker.writer.next();
    if (record == nullptr) return;
    record->ticket = input_.odd_number();
    worker.writer.publish();
  }
  Output output() {
    Output made{.ticket = input_.number(), .handle = input_.number()};
    if ((input_.number() & 1) != 0) made.order = input_.number() % 16;
    for (int stream : {0, 1}) {
      made.begin[stream] = input_.number();
      made.length[stream] = input_.number() % 4;
    }
    return made;
  }
  void print(WorkerEnd& worker) {
    heal_locks();
    const Output made = output();
    if (worker.prints.try_take_direct(made)) {
      if ((input_.number() & 1) != 0) worker.prints.finish();
      return;
    }
    if (worker.prints.try_take(input_.number() % 4)) static_cast<void>(worker.prints.release());
    static_cast<void>(worker.prints.has_room(made.order));
  }
  void hand_in(WorkerEnd& worker) {
    heal_locks();
    Output made = output();
    worker.prints.reserve_spool(made.length, made.begin);
    if (!worker.prints.hand_in(made) || (input_.number() & 1) != 0) return;
    for (int i = 0; i < 32 && worker.prints.begin(); ++i) worker.prints.finish();
  }

  // ---- the supervisor ------------------------------------------------------------------------

  void publish() {
    const std::size_t size = input_.number() % 100;
    const std::string payload(size, 'x');
    std::uint64_t ticket = 0;
    const NewJob job{.payload = payload, .handle = static_cast<std::uint32_t>(published_)};
    if (publisher_.try_publish(job, 0, &ticket) != PublishAnswer::kOk) return;
    ++published_;
    tickets_.insert(ticket);
  }
  void is_ours(std::uint64_t ticket) const { require(tickets_.count(ticket) == 1); }

  void reclaim() {
    publisher_.reclaim([this](std::uint32_t handle, std::uint64_t ticket, std::uint64_t) {
      require(handle < published_);
      require(tickets_.erase(ticket) == 1);  // once
    });
  }
  void withdraw() {
    const LockAnswer got = publisher_.withdraw_ready(
        nanoseconds(0), [this](std::uint32_t, std::uint64_t ticket) { is_ours(ticket); });
    static_cast<void>(got);
  }
  void after_death(WorkerEnd& worker) {
    static_cast<void>(publisher_.take_back(
        worker.id, nanoseconds(0),
        [this](std::uint32_t, std::uint64_t ticket, std::uint64_t) { is_ours(ticket); }));
    worker.claimed.clear();
    bool held = false;
    static_cast<void>(printer_->queue().take_over(worker.id, nanoseconds(0), &held));
    heal_locks();
    const int captures[2] = {captures_[0].get(), captures_[1].get()};
    if (held) printer_->finish_for_dead(captures);
    static_cast<void>(printer_->queue().was_handed_in(input_.number(), kNoOrder));
    static_cast<void>(printer_->queue().was_handed_in(input_.number(), input_.number()));
    printer_->drain_if_ready();
  }
  void supervisor_prints(WorkerEnd&) {
    heal_locks();
    const Output made = output();
    const CaptureFiles files(copy_of(captures_[0].get()), copy_of(captures_[1].get()));
    printer_->emit(made, files);
    printer_->go_on();
    heal_locks();
    static_cast<void>(printer_->failed());
  }
  void take_records(WorkerEnd& worker) {
    ResultRecord record;
    for (std::uint32_t count = 0; worker.reader.try_take(&record); ++count) require(count < 4);
    worker.reader.give_room();
    static_cast<void>(worker.reader.has_more());
  }
  void ring() {
    static_cast<void>(bells_.ring_one_idle());
    static_cast<void>(bells_.any_idle());
    bells_.withdraw_idle(input_.number() % kWorkers);
    bells_.announce_idle(input_.number() % kWorkers);
  }
  void pass_prints() {
    const std::uint64_t next = printer_->queue().next();
    if (next - seen_ > team_.print_window()) return;
    seen_ = next;
    team_.table().prints_seen.store(seen_);
  }

  void look_for_damage() {
    TeamRecord record;
    record.ordered = (input_.number() & 1) != 0;
    record.last_generation = kWorkers;
    record.header = team_.control().header;
    record.freed = publisher_.freed();
    record.tail = publisher_.tail();
    for (std::uint64_t at = record.freed; at < record.tail; ++at) {
      record.tickets.push_back(publisher_.ticket_at(at));
      record.jobs.push_back({.ticket = record.tickets.back(), .order = input_.number()});
    }
    record.prints_seen = seen_;
    record.print_window = team_.print_window();
    for (const auto& worker : workers_) {
      record.workers.push_back({.id = worker->id,
                                .alive = true,
                                .current = worker->reader.current(),
                                .holds_baton = worker->reader.holds_baton()});
    }
    for (const Finding& finding : audit(copy_control(team_, record), record)) {
      require(!to_string(finding).empty());
    }
    const PrintPosition position = find_position(team_, seen_);
    require(position.next >= seen_ && position.next <= seen_ + team_.print_window() + 1);
  }

  FuzzInput& input_;
  TeamMemory team_;
  ClaimPublisher publisher_;
  Bells bells_;
  UniqueFd spools_[2];
  UniqueFd captures_[2];
  UniqueFd null_;
  std::vector<std::unique_ptr<WorkerEnd>> workers_;
  std::unique_ptr<Printer> printer_;
  std::set<std::uint64_t> tickets_;
  std::uint64_t published_ = 0;
  std::uint64_t seen_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  World(input).run();
  return 0;
}
