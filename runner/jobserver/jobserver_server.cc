#include "runner/jobserver/jobserver_server.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "enjoin/error.h"
#include "runner/jobserver/makeflags.h"

namespace enjoin {
namespace {

constexpr std::chrono::milliseconds kLeastPatience{20};
constexpr std::chrono::milliseconds kMostPatience{320};
// A slot that was taken for a job whose number is not known yet.
constexpr std::uint64_t kPending = ~std::uint64_t{0};
constexpr char kToken = '+';  // as make's own

void throw_away(int pipe, std::uint32_t tokens) {
  for (char token = 0; tokens > 0 && ::read(pipe, &token, 1) == 1; --tokens) {
  }
}

}  // namespace

JobserverServer::JobserverServer(JobserverStyle style, std::uint32_t slots,
                                 const std::string& parent, const std::string& makeflags)
    : ledger_(slots), patience_(kLeastPatience) {
  spec_.style = style;
  compose_makeflags(makeflags, slots, &spec_);
  std::string path = parent + "/enjoin-slots-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    throw system_error("cannot make a folder for the jobserver's fifos in " + parent, errno);
  }
  spec_.folder = std::move(path);
  news_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
}

JobserverServer::~JobserverServer() {
  for (const auto& [job, pipe] : pipes_) ::unlink(path_of(job).c_str());
  ::rmdir(spec_.folder.c_str());
}

std::string JobserverServer::path_of(std::uint64_t job) const {
  return spec_.folder + '/' + std::to_string(job);
}

bool JobserverServer::try_take() {
  if (ledger_.free() == 0) {
    look();
    share_out(true, false);
  }
  if (ledger_.try_begin(kPending)) return true;
  refused_ = true;
  return false;
}

void JobserverServer::put_back() {
  ledger_.end(kPending);
}

void JobserverServer::began(std::uint64_t job) {
  ledger_.end(kPending);
  ended(job);  // an earlier attempt, if nobody has told of its end
  const std::string path = path_of(job);
  if (::mkfifo(path.c_str(), 0600) != 0) throw system_error("cannot make the fifo " + path, errno);
  // For reading and writing: so nobody ever waits for the other end.
  ipc::UniqueFd pipe(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!pipe) throw system_error("cannot open the fifo " + path, errno);
  static_cast<void>(ledger_.try_begin(job));
  const int watched = watch(path, pipe.get());
  pipes_[job] = {std::move(pipe), watched};
}

// Whether the kernel tells of fifos at all is tried at the first one.
int JobserverServer::watch(const std::string& path, int pipe) {
  if (!news_) return -1;
  const int watched = ::inotify_add_watch(news_.get(), path.c_str(), IN_ACCESS | IN_MODIFY);
  if (watched >= 0 && !news_come_) {
    int bytes = 0;
    if (::write(pipe, &kToken, 1) == 1) throw_away(pipe, 1);
    news_come_ = ::ioctl(news_.get(), FIONREAD, &bytes) == 0 && bytes > 0;
  }
  if (watched < 0 || !news_come_) news_.reset();
  return watched;
}

void JobserverServer::drain_news() const {
  char events[4096];
  while (::read(news_.get(), events, sizeof events) > 0) {
  }
}

void JobserverServer::ended(std::uint64_t job) {
  const auto found = pipes_.find(job);
  if (found == pipes_.end()) return;
  if (news_ && found->second.watch >= 0) ::inotify_rm_watch(news_.get(), found->second.watch);
  pipes_.erase(found);
  ::unlink(path_of(job).c_str());
  ledger_.end(job);
}

void JobserverServer::turn(TimePoint now) {
  const bool start_waits = std::exchange(refused_, false);
  may_start_ = false;
  if (news_) drain_news();
  look();
  if (ledger_.take_stirred()) {
    patient_since_ = now;
    patience_ = kLeastPatience;
  }
  const bool patience_over = now - patient_since_ >= patience_;
  share_out(start_waits, patience_over);
  if (patience_over) {
    patient_since_ = now;
    patience_ = std::min(2 * patience_, kMostPatience);
  }
  may_start_ = start_waits && ledger_.free() > 0;
}

void JobserverServer::look() {
  for (const auto& [job, pipe] : pipes_) look_at(job, pipe.fd.get());
}

void JobserverServer::look_at(std::uint64_t job, int pipe) {
  int bytes = 0;
  if (::ioctl(pipe, FIONREAD, &bytes) != 0) return;
  throw_away(pipe, ledger_.see(job, static_cast<std::uint32_t>(bytes)));
}

// Patience pays for one move at a time.
void JobserverServer::share_out(bool start_waits, bool patience_over) {
  while (const auto move = ledger_.next_move(start_waits, patience_over)) {
    if (!make(*move)) return;
    if (move->from && move->to) patience_over = false;
  }
}

bool JobserverServer::make(const TokenLedger::Move& move) {
  if (move.from) {
    const int pipe = pipes_.at(*move.from).fd.get();
    char token = 0;
    if (::read(pipe, &token, 1) != 1) {
      const bool was_taken = errno == EAGAIN;  // just now, by the job
      look_at(*move.from, pipe);
      return was_taken;
    }
  }
  if (move.to && ::write(pipes_.at(*move.to).fd.get(), &kToken, 1) != 1) return false;
  ledger_.moved(move);
  return true;
}

std::chrono::nanoseconds JobserverServer::until_due(TimePoint now) const {
  if (may_start_) return std::chrono::nanoseconds(0);
  if (pipes_.empty()) return std::chrono::nanoseconds(-1);
  if (!news_) return kLeastPatience;
  if (!ledger_.is_uneven()) return std::chrono::nanoseconds(-1);
  return std::max<std::chrono::nanoseconds>(patient_since_ + patience_ - now,
                                            std::chrono::nanoseconds(0));
}

}  // namespace enjoin
