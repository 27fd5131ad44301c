#include "worker/printer.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <sys/sendfile.h>

#include "ipc/seal.h"
#include "worker/file_turn.h"

namespace enjoin {
namespace {

constexpr std::int64_t kCopyAtOnce = 1 << 20;
// What a writable pipe takes without blocking.
constexpr std::size_t kWriteAtOnce = 4096;
constexpr std::int64_t kHoleBytes = 1 << 20;
constexpr std::int64_t kFarthest = std::int64_t{1} << 60;

// A destination that somebody made non-blocking (a shared terminal or pipe) is waited for.
void wait_writable(int fd) {
  pollfd watched{fd, POLLOUT, 0};
  ::poll(&watched, 1, 1000);
}

}  // namespace

Printer::Printer(const ipc::TeamMemory& memory, ipc::WorkerId self, const int destinations[2],
                 const int spools[2], Patience patience, std::function<bool()> tick)
    : memory_(&memory),
      queue_(memory, self),
      destinations_{destinations[0], destinations[1]},
      is_file_{is_plain_file(destinations[0]), is_plain_file(destinations[1])},
      spools_{spools[0], spools[1]},
      patience_(patience),
      tick_(std::move(tick)) {}

bool Printer::failed() const {
  return ipc::unseal_error(memory_->control().output_error.load(std::memory_order_relaxed)) != 0;
}

void Printer::fail(int error) const {
  if (!failed()) memory_->control().output_error.store(ipc::seal_error(error));
}

bool Printer::emit(ipc::Output output, const CaptureFiles& files) {
  const bool empty = output.length[0] == 0 && output.length[1] == 0;
  if (empty) return output.order == ipc::kNoOrder || emit_spooled(output);
  // Who may be kept waiting by the destination needs the source until then.
  if (patience_ == Patience::kWaits && queue_.try_take_direct(output)) {
    const int sources[2] = {files.fd(kStdout), files.fd(kStderr)};
    // What the queue says of it, for others to go on from, is not asked: the own word counts.
    const ipc::PrintEntry own{.order = output.order,
                              .ticket = output.ticket,
                              .sum = 0,
                              .printed = 0,
                              .handle = output.handle,
                              .state = ipc::PrintState::kDirect,
                              .begin = {output.begin[0], output.begin[1]},
                              .length = {output.length[0], output.length[1]}};
    at_[kStdout] = own.begin[kStdout];
    at_[kStderr] = own.begin[kStderr];
    if (!print_from(sources, own)) return false;
    drain();
    return true;
  }
  return spool(&output, files) && emit_spooled(output);
}

bool Printer::emit_spooled(const ipc::Output& output) {
  bool handed_in = false;
  if (queue_.hand_in(output, &handed_in)) drain();
  return handed_in;
}

bool Printer::spool(ipc::Output* output, const CaptureFiles& files) {
  const std::int64_t own_begin[2] = {output->begin[kStdout], output->begin[kStderr]};
  if (!queue_.reserve_spool(output->length, output->begin)) return false;
  for (int stream : {kStdout, kStderr}) {
    loff_t from = own_begin[stream];
    loff_t to = output->begin[stream];
    std::int64_t left = output->length[stream];
    while (left > 0) {
      ssize_t copied = ::copy_file_range(files.fd(stream), &from, spools_[stream], &to,
                                         static_cast<std::size_t>(left), 0);
      if (copied < 0 && errno == EINTR) continue;
      if (copied <= 0) {  // other file systems, old kernels
        char chunk[64 * 1024];
        copied =
            ::pread(files.fd(stream), chunk,
                    static_cast<std::size_t>(std::min<std::int64_t>(left, sizeof chunk)), from);
        if (copied < 0 && errno == EINTR) continue;
        if (copied < 0) fail(errno);
        if (copied <= 0) break;
        spool_at(stream, to, {chunk, static_cast<std::size_t>(copied)});
        from += copied;
        to += copied;
      }
      left -= copied;
    }
    output->length[stream] -= left;  // somebody cut the file short
  }
  return true;
}

void Printer::spool_at(int stream, std::int64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(spools_[stream], bytes.data(), bytes.size(), offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return fail(done < 0 ? errno : EIO);
    bytes.remove_prefix(static_cast<std::size_t>(done));
    offset += done;
  }
}

void Printer::drain() {
  bool goes_on = std::exchange(stalled_, false);  // what is begun then, we began
  while (const std::optional<ipc::PrintEntry> entry = queue_.begin()) {
    const bool direct = entry->state == ipc::PrintState::kDirect;  // a dead holder's
    const int captures[2] = {dead_captures_[kStdout].get(), dead_captures_[kStderr].get()};
    for (int stream : {kStdout, kStderr}) {
      if (goes_on) break;
      at_[stream] = std::atomic_ref(*queue_.printed(stream)).load(std::memory_order_relaxed);
      const std::int64_t done = at_[stream] - entry->begin[stream];
      if (done < 0 || done > entry->length[stream]) return queue_.note_damage();
    }
    goes_on = false;
    if (!print_from(direct ? captures : spools_, *entry)) return;
    if (direct) {
      for (ipc::UniqueFd& file : dead_captures_) file.reset();
    } else {
      free_spool(*entry);
    }
  }
}

void Printer::drain_if_ready() {
  if (queue_.try_take_ready()) drain();
}

void Printer::finish_for_dead(const int capture_fds[2]) {
  for (int stream : {kStdout, kStderr}) {
    dead_captures_[stream].reset(::fcntl(capture_fds[stream], F_DUPFD_CLOEXEC, 3));
  }
  drain();
}

void Printer::go_on() {
  if (stalled_ && queue_.holds_baton()) drain();
}

// False: the destination takes no more now, or memory is condemned; the entry stays begun.
bool Printer::print_from(const int sources[2], const ipc::PrintEntry& entry) {
  stalled_ = false;
  if (entry.length[kStderr] > 0 || wipes_for_stdout_) wipe_status();
  for (int stream : {kStdout, kStderr}) {
    copy_out(stream, sources[stream], queue_.printed(stream),
             entry.begin[stream] + entry.length[stream]);
    if (stalled_) return false;
  }
  if (queue_.usable() && queue_.finish()) return true;
  stop_within(entry);
  return false;
}

void Printer::stop_within(const ipc::PrintEntry& entry) {
  interrupted_ = {.ticket = entry.ticket,
                  .order = entry.order,
                  .begin = {at_[kStdout], at_[kStderr]},
                  .end = {entry.begin[kStdout] + entry.length[kStdout],
                          entry.begin[kStderr] + entry.length[kStderr]}};
}

void Printer::share_terminal_with_status() {
  wipes_status_ = true;
  wipes_for_stdout_ = ::isatty(destinations_[kStdout]) == 1;
}

void Printer::wipe_status() {
  // The cursor rests where the status begins. Where none is shown, it may stand behind a line that
  // another job left unfinished: nothing is behind it to be wiped.
  constexpr std::string_view wipe = "\033[J";
  if (wipes_status_) write_all(kStderr, wipe);
}

bool Printer::may_write(int stream) {
  if (stopped_ || failed() || !queue_.usable()) return false;
  if (patience_ == Patience::kWaits) return true;
  pollfd watched{destinations_[stream], POLLOUT, 0};
  if (::poll(&watched, 1, 0) > 0) return true;
  stalled_ = !tick_();
  stalled_stream_ = stream;
  return false;
}

void Printer::copy_out(int stream, int source, std::int64_t* offset, std::int64_t limit) {
  static_assert(sizeof(off_t) == sizeof(std::int64_t));
  std::int64_t& at = at_[stream];
  if (offset != queue_.printed(stream)) at = *offset;
  while (at < limit && may_write(stream)) {
    // It lies where a job may have scribbled, and then others' bytes would be printed.
    if (std::atomic_ref(*offset).load(std::memory_order_relaxed) != at) return queue_.note_damage();
    if (by_hand_[stream]) {
      if (!copy_by_hand(stream, source, offset, limit)) return;
      continue;
    }
    const std::int64_t most =
        patience_ == Patience::kWaits ? kCopyAtOnce : static_cast<std::int64_t>(kWriteAtOnce);
    const auto wanted = static_cast<std::size_t>(std::min(limit - at, most));
    const FileTurn turn(destinations_[stream], is_file_[stream]);
    // The kernel moves *offset, which lies in shared memory, in the same call that writes: a kill
    // between two calls leaves it exact.
    const ssize_t done =
        ::sendfile(destinations_[stream], source, reinterpret_cast<off_t*>(offset), wanted);
    if (done > 0) {
      at += done;
      continue;
    }
    if (done == 0) return;  // the job cut its own file short
    if (errno == EAGAIN) {
      wait_writable(destinations_[stream]);
    } else if (errno == EINVAL || errno == ENOSYS) {
      by_hand_[stream] = true;  // an append-only file, an odd device
    } else if (errno != EINTR) {
      return fail(errno);
    }
    if (tick_()) stopped_ = patience_ == Patience::kWaits;
  }
}

// write(2), then note it: a kill between the two can print up to one chunk twice.
bool Printer::copy_by_hand(int stream, int source, std::int64_t* offset, std::int64_t limit) {
  char chunk[64 * 1024];
  const std::size_t most = patience_ == Patience::kWaits ? sizeof chunk : kWriteAtOnce;
  const auto wanted = static_cast<std::size_t>(
      std::min<std::int64_t>(limit - at_[stream], static_cast<std::int64_t>(most)));
  const ssize_t got = ::pread(source, chunk, wanted, at_[stream]);
  if (got < 0 && errno == EINTR) return true;
  if (got < 0) fail(errno);
  if (got <= 0) return false;
  const std::size_t written = write_all(stream, {chunk, static_cast<std::size_t>(got)});
  at_[stream] += static_cast<std::int64_t>(written);
  std::atomic_ref(*offset).store(at_[stream], std::memory_order_relaxed);
  return !failed();
}

std::size_t Printer::write_all(int stream, std::string_view bytes) {
  const std::size_t whole = bytes.size();
  while (!bytes.empty() && !failed() && !stopped_) {
    if (!queue_.usable()) return whole - bytes.size();
    const FileTurn turn(destinations_[stream], is_file_[stream]);
    const ssize_t done = ::write(destinations_[stream], bytes.data(), bytes.size());
    if (done >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(done));
      continue;
    }
    if (errno == EAGAIN) {
      wait_writable(destinations_[stream]);
    } else if (errno != EINTR) {
      fail(errno);
    }
    if (tick_()) stopped_ = patience_ == Patience::kWaits;
  }
  return whole;  // what cannot be written any more is dropped
}

// Large printed outputs give their part of the spool back to the file system: whole pages only, for
// a pipe may still hold the page at the edge. What is left of them, and small ones, goes when the
// supervisor has seen that all of a piece was printed.
void Printer::free_spool(const ipc::PrintEntry& entry) {
  constexpr std::int64_t page = 4096;
  for (int stream : {kStdout, kStderr}) {
    if (entry.length[stream] < kHoleBytes) continue;
    // Damaged: it would be no part of a spool.
    if (entry.begin[stream] < 0 || entry.begin[stream] > kFarthest ||
        entry.length[stream] > kFarthest) {
      continue;
    }
    const std::int64_t from = (entry.begin[stream] + page - 1) / page * page;
    const std::int64_t to = (entry.begin[stream] + entry.length[stream]) / page * page;
    ::fallocate(spools_[stream], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from);
  }
}

}  // namespace enjoin
