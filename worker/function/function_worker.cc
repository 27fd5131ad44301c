#include "worker/function/function_worker.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#include <utility>

#include <sys/prctl.h>

#include "enjoin/error.h"
#include "ipc/shared/hooks.h"
#include "worker/job_watch.h"

namespace enjoin {
namespace {

constexpr std::size_t kMostClaims = 128;
constexpr std::uint64_t kBatchNs = 100'000;
constexpr std::uint32_t kRingPatienceMs = 100;
constexpr std::uint32_t kOrderPauseUs = 500;

// In a child that a function made by fork(): it must not go on as a worker.
bool is_copy = false;

FunctionConfig read_config(int fd) {
  const ipc::Segment segment = ipc::Segment::attach(ipc::UniqueFd(fd), ipc::SegmentKind::kConfig,
                                                    ipc::SegmentRights::kCreatorWrites);
  const std::uint32_t size = segment.header().count[0];
  if (size > segment.size_bytes() - sizeof(ipc::SegmentHeader)) {
    throw Error("the configuration of a pool's workers is damaged");
  }
  ArchiveReader from({segment.at<char>(sizeof(ipc::SegmentHeader)), size});
  return from.read<FunctionConfig>();
}

}  // namespace

FunctionWorker::FunctionWorker(const FunctionStart& start)
    : start_(start),
      memory_(ipc::TeamMemory::attach(ipc::UniqueFd(start.table), ipc::UniqueFd(start.control))),
      config_(read_config(start.config)),
      queue_(memory_, start.id),
      bells_(memory_),
      results_(ipc::Segment::attach(ipc::UniqueFd(start.results), ipc::SegmentKind::kResults,
                                    ipc::SegmentRights::kSharedWrite),
               memory_.orders(start.id.number).results_taken),
      event_(start.event),
      argument_log_(start.argument_log),
      result_log_(start.result_log),
      errors_(ipc::UniqueFd(start.errors), ipc::UniqueFd(start.errors_mark), start.argument_log),
      claimed_(kMostClaims),
      born_ns_(monotonic_ns()) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (static_cast<std::uint32_t>(::getppid()) != start.parent_pid)
    throw Error("the keeper is gone");
  ::pthread_atfork(nullptr, nullptr, [] { is_copy = true; });
  ipc::UniqueFd shared(start.shared);
  if (config_.has_shared) shared::attach_memory(std::move(shared));
}

int FunctionWorker::run() {
  if (!initialize()) return kFunctionWorkerFailed;
  // Read by the host when we have ended: we came through.
  memory_.block(start_.id.number).generation.store(start_.id.generation);
  std::uint64_t left = 0;
  while (queue_.usable()) {
    const std::size_t count = queue_.claim({claimed_.data(), fair_batch()}, &left);
    if (count > 0) {
      run_batch(count);
      if (worn_out()) return kFunctionWorkerLeft;
    } else if (closed()) {
      return kFunctionWorkerLeft;
    } else {
      rest();
    }
  }
  return kFunctionWorkerDamaged;
}

bool FunctionWorker::closed() const {
  return (memory_.table().flags.load(std::memory_order_acquire) & ipc::kFlagClosed) != 0;
}

bool FunctionWorker::initialize() {
  if (!config_.has_initializer) return true;
  Thrown thrown{{}, "this program has no such function"};
  try {
    const detail::Function* const function = detail::Function::find(config_.initializer);
    if (function != nullptr) {
      bool called = false;
      bool returned = false;
      function->run()(config_.arguments, result_, &called, &returned);
      result_.clear();
      return true;
    }
  } catch (...) {
    thrown = current_thrown();
  }
  errors_.forward();
  errors_.keep_for_host();
  const std::string type = thrown.type.empty() ? "" : thrown.type + ": ";
  ::dprintf(STDERR_FILENO, "the initializer of the pool's workers failed: %s%s", type.c_str(),
            thrown.text.c_str());
  return false;
}

// ---- calls -------------------------------------------------------------------------------------

void FunctionWorker::run_batch(std::size_t count) {
  const std::uint64_t began = monotonic_ns();
  std::uint64_t told = began;
  std::uint64_t now = began;
  std::size_t made = 0;
  while (made < count) {
    Claimed call{};
    if (take_call(claimed_[made++], &call)) make_call(call);
    now = monotonic_ns();
    if (now - told > kBatchNs) {
      bells_.tell_supervisor(event_.get());
      told = now;
      if (made < count) hand_back(made, count);
      break;
    }
  }
  if (told != now) bells_.tell_supervisor(event_.get());
  made_ += made;
  choose_batch(made, now - began);
  errors_.forward();
}

void FunctionWorker::hand_back(std::size_t from, std::size_t count) {
  queue_.hand_back(std::span(claimed_).subspan(from, count - from));
  for (; from < count && bells_.ring_one_idle(); ++from) {
  }
}

void FunctionWorker::choose_batch(std::size_t made, std::uint64_t took_ns) {
  const std::uint64_t each = std::max<std::uint64_t>(took_ns / made, 1);
  std::uint64_t most = std::min<std::uint64_t>({kBatchNs / each, 2 * batch_, kMostClaims});
  if (config_.jobs_per_worker != 0 && made_ < config_.jobs_per_worker) {
    most = std::min(most, config_.jobs_per_worker - made_);
  }
  batch_ = static_cast<std::size_t>(std::max<std::uint64_t>(most, 1));
}

// Our part of what is there: the next calls may take longer than the last ones did.
std::size_t FunctionWorker::fair_batch() const {
  const std::uint64_t published = queue_.published();
  const std::uint64_t claimed = queue_.claimed();
  const std::uint64_t ready = published > claimed ? published - claimed : 0;
  return std::min(batch_, static_cast<std::size_t>(ready / memory_.workers() + 1));
}

// The host stores its order to cancel a call, then looks what we run: one of the two sees the
// other. While an order stands we begin nothing, for we are about to be killed for the call before.
void FunctionWorker::announce_call(std::uint64_t ticket) {
  results_.header().current.store(ticket, std::memory_order_seq_cst);
  const ipc::AtomicU64& order = memory_.orders(start_.id.number).cancel_ticket;
  while (order.load(std::memory_order_seq_cst) != 0) ::usleep(kOrderPauseUs);
}

// False: the claim was taken back. The slot is done with when it returns.
bool FunctionWorker::take_call(std::uint64_t position, Claimed* call) {
  announce_call(queue_.slot(position).ticket);
  if (!queue_.try_start(position)) return false;
  const ipc::JobSlot& slot = queue_.slot(position);
  *call = {.ticket = slot.ticket,
           .function = slot.values | (std::uint64_t{slot.columns} << 32),
           .timeout_ns = slot.timeout_ns,
           .handle = slot.handle,
           .attempt = slot.attempt,
           .flags = slot.flags,
           .bytes = {}};
  const std::span<const char> payload = memory_.payload(slot);
  if (payload.size() <= sizeof inline_) {
    std::memcpy(inline_, payload.data(), payload.size());
    call->bytes = {inline_, payload.size()};
  } else {
    long_.assign(payload.data(), payload.size());
    call->bytes = long_;
  }
  queue_.release(position);
  return true;
}

bool FunctionWorker::read_from_log(Claimed* call) {
  LogSpan span;
  if (call->bytes.size() != sizeof span) return false;
  std::memcpy(&span, call->bytes.data(), sizeof span);
  long_.resize(span.size);
  std::size_t read = 0;
  while (read < long_.size()) {
    const ssize_t got = ::pread(argument_log_.get(), long_.data() + read, long_.size() - read,
                                static_cast<off_t>(span.offset + read));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    read += static_cast<std::size_t>(got);
  }
  call->bytes = long_;
  return true;
}

const detail::Function* FunctionWorker::find(std::uint64_t id) {
  if (known_at_ != detail::Function::changes()) {
    known_at_ = detail::Function::changes();
    std::fill(std::begin(known_), std::end(known_), Known{});
  }
  Known& known = known_[id % kKnown];
  if (known.function == nullptr || known.id != id) known = {id, detail::Function::find(id)};
  return known.function;
}

void FunctionWorker::make_call(const Claimed& taken) {
  Claimed call = taken;
  bool called = false;
  bool returned = false;
  result_.clear();
  if (call.timeout_ns != 0) {
    if (!timer_) timer_.emplace(results_.header());
    timer_->start(call.timeout_ns);
  }
  CallEnd end = CallEnd::kReturned;
  std::string thrown;
  try {
    const detail::Function* const function = find(call.function);
    if (function == nullptr) {
      end = CallEnd::kUnknown;
    } else {
      if ((call.flags & kCallInLog) != 0 && !read_from_log(&call)) {
        throw Error("they are not where they should be");
      }
      function->run()(call.bytes, result_, &called, &returned);
    }
  } catch (...) {
    end = returned ? CallEnd::kBadResult : called ? CallEnd::kThrew : CallEnd::kBadArguments;
    thrown = write_thrown(current_thrown());
  }
  if (is_copy) ::_exit(0);
  if (call.timeout_ns != 0) timer_->stop();
  record(call, end, end == CallEnd::kReturned ? result_.view() : thrown);
}

void FunctionWorker::record(const Claimed& call, CallEnd end, std::string_view payload) {
  LogSpan span;
  std::uint16_t flags = 0;
  std::string failure;
  if (payload.size() > ipc::kInlinePayload && !write_to_log(payload, &span)) {
    failure = std::string("no memory: ") + std::strerror(errno);
    failure = write_thrown({{}, failure.substr(0, 40)});  // fits into the record
    end = CallEnd::kBadResult;
    payload = failure;
  } else if (payload.size() > ipc::kInlinePayload) {
    flags = kResultInLog;
    payload = {reinterpret_cast<const char*>(&span), sizeof span};
  }
  ipc::ResultRecord* next = nullptr;
  while ((next = results_.next()) == nullptr) wait_for_room();
  next->ticket = call.ticket;
  next->handle = call.handle;
  next->attempt = call.attempt;
  next->flags = flags;
  next->kind = ipc::EndKind::kExited;
  next->code = static_cast<std::int32_t>(end);
  next->payload_size = static_cast<std::uint32_t>(payload.size());
  std::memcpy(next->payload, payload.data(), payload.size());
  results_.publish();
  results_.set_current(0);
}

bool FunctionWorker::write_to_log(std::string_view bytes, LogSpan* span) {
  *span = {log_end_, bytes.size()};
  std::uint64_t at = log_end_;
  while (!bytes.empty()) {
    const ssize_t put =
        ::pwrite(result_log_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += static_cast<std::uint64_t>(put);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  log_end_ = next_in_log(at);
  return true;
}

// ---- waiting -----------------------------------------------------------------------------------

// The ring is full: the host takes its time.
void FunctionWorker::wait_for_room() {
  const std::uint32_t number = start_.id.number;
  const std::uint32_t seen = bells_.bell_value(number);
  bells_.tell_supervisor(event_.get());
  bells_.announce_idle(number);
  if (results_.next() == nullptr) bells_.wait_for_bell(number, seen, kRingPatienceMs);
  bells_.withdraw_idle(number);
}

void FunctionWorker::rest() {
  std::fflush(stdout);
  // The next call may come at once.
  if (spin_.finds([this] { return queue_.looks_ready() || closed(); })) return;
  const std::uint32_t number = start_.id.number;
  const std::uint32_t seen = bells_.bell_value(number);
  bells_.announce_idle(number);
  if (!queue_.looks_ready() && !closed()) bells_.wait_for_bell(number, seen, 0);
  bells_.withdraw_idle(number);
}

// ---- its end -----------------------------------------------------------------------------------

bool FunctionWorker::worn_out() {
  if (config_.jobs_per_worker != 0 && made_ >= config_.jobs_per_worker) return true;
  if (config_.worker_age_ns != 0 && monotonic_ns() - born_ns_ >= config_.worker_age_ns) return true;
  if (config_.growth_per_worker == 0) return false;
  const std::uint64_t size = resident_bytes();
  if (first_size_ == 0) first_size_ = size;
  return size >= first_size_ + config_.growth_per_worker;
}

std::uint64_t FunctionWorker::resident_bytes() const {
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long pages = 0;
  const int read = std::fscanf(file, "%*u %llu", &pages);
  std::fclose(file);
  return read == 1 ? pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace enjoin
