// What a host sends that is no frame, or not the next one, to the real enjoin-executor: raw bytes,
// for the library sends none such. It says why it leaves (kFailed), and leaves with all that it
// has started; it never hangs, and never dies of it.

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "doctest/doctest.h"
#include "ipc/unique_fd.h"
#include "runner/executor/frame_socket.h"
#include "runner/executor/messages.h"
#include "support/executor.h"
#include "support/folder.h"
#include "support/sanitized.h"

namespace enjoin {
namespace {

constexpr int kOwnErrorStatus = 255;
constexpr int kPatienceMs = 60'000;  // then somebody hangs
constexpr int kQuietMs = 20;         // what has not begun by then need not be seen
constexpr std::uint32_t kMutations = test::kSanitized ? 12 : 48;

/// A frame, or what is none. `descriptors` are sent with its first byte, whatever its header says.
struct Raw {
  std::string bytes;
  int descriptors = 0;
};

Raw raw(HostFrame kind, std::string_view body, int descriptors = 0) {
  const FrameHeader header{static_cast<std::uint32_t>(body.size()),
                           static_cast<std::uint16_t>(kind),
                           static_cast<std::uint16_t>(descriptors)};
  Raw result{std::string(reinterpret_cast<const char*>(&header), sizeof header), descriptors};
  result.bytes += body;
  return result;
}

Raw raw_header(std::uint32_t size, std::uint16_t kind, std::uint16_t descriptors) {
  const FrameHeader header{size, kind, descriptors};
  return {std::string(reinterpret_cast<const char*>(&header), sizeof header)};
}

std::pair<ipc::UniqueFd, ipc::UniqueFd> pipe_ends() {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  return {ipc::UniqueFd(ends[0]), ipc::UniqueFd(ends[1])};
}

/// An enjoin-executor that is our child, with its folder and all that it leaves there.
class Helper {
 public:
  Helper() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    socket_ = FrameSocket(ipc::UniqueFd(ends[0]));
    const ipc::UniqueFd theirs(ends[1]);
    std::tie(life_, holding_) = pipe_ends();
    const std::string program = test::executor_options().helpers + "/enjoin-executor";
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) execute(program.c_str(), theirs.get(), holding_.get());
  }
  ~Helper() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  SetupMessage setup() const {
    SetupMessage setup;
    setup.host_pid = static_cast<std::uint32_t>(::getpid());
    setup.options = test::executor_options();
    setup.options.scratch_folder = folder_.path();
    setup.environment = {"PATH=/usr/bin:/bin"};
    return setup;
  }
  std::string folder() const { return folder_.path(); }

  /// False: it has gone.
  bool send(const Raw& frame) {
    std::size_t sent = 0;
    while (sent < frame.bytes.size()) {
      const ssize_t size = send_some(frame, sent);
      if (size < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (size > 0) sent += static_cast<std::size_t>(size);
      take_news();
      pollfd ready{socket_.fd(), POLLOUT, 0};
      if (size <= 0) REQUIRE(::poll(&ready, 1, kPatienceMs) == 1);
    }
    return true;
  }

  void take_news() {
    SocketFrame frame;
    while (true) {
      const FrameSocket::Got got = socket_.take(&frame);
      gone_ = got == FrameSocket::Got::kGone || got == FrameSocket::Got::kDamaged;
      if (got != FrameSocket::Got::kFrame) return;
      const auto kind = static_cast<ExecutorFrame>(frame.kind);
      if (kind == ExecutorFrame::kEnded || kind == ExecutorFrame::kRefused) ++ended;
      if (kind == ExecutorFrame::kFailed) {
        REQUIRE(failure.empty());
        REQUIRE(unpack(frame.body, &failure));
      }
    }
  }
  /// Until so many jobs have ended, or it is gone.
  void wait_ends(int count) {
    while (ended < count && !gone_) REQUIRE(wait_news(kPatienceMs));
  }
  void wait_quiet() {
    while (!gone_ && wait_news(kQuietMs)) {
    }
  }

  /// Nothing more comes from us; waits for its end, and that of all that it has started, and gives
  /// its status.
  int end() {
    ::shutdown(socket_.fd(), SHUT_WR);
    holding_.reset();
    while (!gone_) REQUIRE(wait_news(kPatienceMs));
    pollfd last{life_.get(), POLLIN, 0};
    do {
      last.revents = 0;
      REQUIRE(::poll(&last, 1, kPatienceMs) == 1);  // else somebody lives
      std::array<char, 512> said{};
      const ssize_t size = ::read(life_.get(), said.data(), said.size());
      if (size <= 0) break;
      messages.append(said.data(), static_cast<std::size_t>(size));
    } while (true);
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    pid_ = 0;
    return status;
  }

  int ended = 0;
  std::string failure;
  std::string messages;  ///< on stderr

 private:
  [[noreturn]] void execute(const char* program, int socket, int messages_fd) const {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    ::setpgid(0, 0);
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (::chdir(folder_.path().c_str()) != 0) ::_exit(126);
    ::dup2(nothing, 0);
    ::dup2(nothing, 1);
    ::dup2(messages_fd, 2);
    const int high = ::fcntl(socket, F_DUPFD_CLOEXEC, 100);
    ::dup2(high, kExecutorSocket);
    const std::string number = std::to_string(kExecutorSocket);
    ::execl(program, program, number.c_str(), nullptr);
    ::_exit(126);
  }

  ssize_t send_some(const Raw& frame, std::size_t from) const {
    iovec part{const_cast<char*>(frame.bytes.data()) + from, frame.bytes.size() - from};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const std::vector<int> fds(static_cast<std::size_t>(frame.descriptors), holding_.get());
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 8)> control{};
    REQUIRE(fds.size() <= 8);
    if (from == 0 && !fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
      std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
    }
    return ::sendmsg(socket_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  bool wait_news(int limit_ms) {
    pollfd ready{socket_.fd(), POLLIN, 0};
    const bool there = ::poll(&ready, 1, limit_ms) == 1;
    take_news();
    return there;
  }

  test::Folder folder_;
  FrameSocket socket_;
  ipc::UniqueFd life_;     ///< of all that have its stderr, and of jobs with descriptors
  ipc::UniqueFd holding_;  ///< the other end: what they have
  pid_t pid_ = 0;
  bool gone_ = false;
};

Raw job(std::uint64_t id, std::vector<std::string> argv, Output output = Output::kCapture,
        int descriptors = 0) {
  AddJobMessage message;
  message.id = JobId{id};
  message.command = test::command(std::move(argv));
  message.command.output = output;
  if (id > 1) message.options.needs = {JobId{id - 1}};
  for (int at = 0; at < descriptors; ++at) message.targets.push_back(20 + at);
  return raw(HostFrame::kAddJob, pack(message), descriptors);
}

/// One of each kind but the setup; the numbers go on from `jobs` jobs.
std::vector<Raw> session(std::uint64_t jobs) {
  AddLimitMessage limit{LimitId{1}, {"limit", 1}};
  AddStageMessage stage{StageId{1}, {"stage", {}, 1}};
  return {raw(HostFrame::kAddLimit, pack(limit)),
          raw(HostFrame::kAddStage, pack(stage)),
          job(jobs + 1, {"true"}),
          job(jobs + 2, {"printf", "text"}, Output::kLines),
          job(jobs + 3, {"cat"}, Output::kMerge, 2),
          raw(HostFrame::kAddNeed, pack(AddNeedMessage{JobId{jobs + 3}, JobId{jobs + 1}})),
          raw(HostFrame::kSetCpus, pack(std::uint32_t{3})),
          raw(HostFrame::kAnswer, pack(AnswerMessage{JobId{jobs + 1}, Answer::kGoOn})),
          job(jobs + 4, {"sleep", "1000"}, Output::kCapture, 1),
          raw(HostFrame::kSkip, pack(JobId{jobs + 3})),
          raw(HostFrame::kCloseStage, pack(StageId{1})),
          raw(HostFrame::kCancel, pack(CancelMessage{JobId{jobs + 4}, Stop::kNow}))};
}

/// What it says to `frames` that come after a setup and a job that has begun, when it has left.
std::string failure_with(const std::vector<Raw>& frames) {
  Helper helper;
  helper.send(raw(HostFrame::kSetup, pack(helper.setup())));
  helper.send(job(1, {"sleep", "1000"}, Output::kCapture, 1));
  for (const Raw& frame : frames) {
    if (!helper.send(frame)) break;
  }
  const int status = helper.end();
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == kOwnErrorStatus));
  CHECK(helper.messages.empty());
  return helper.failure;
}

std::string failure_of_first(const Raw& frame) {
  Helper helper;
  helper.send(frame);
  const int status = helper.end();
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == kOwnErrorStatus));
  return helper.failure;
}

/// Bytes changed, put in or left out, frames swapped, sent twice, cut.
void damage(std::vector<Raw>* frames, std::mt19937& random) {
  const auto below = [&random](std::size_t limit) { return random() % limit; };
  const std::size_t changes = 1 + below(4);
  for (std::size_t change = 0; change < changes; ++change) {
    std::string& bytes = (*frames)[below(frames->size())].bytes;
    const std::size_t at = bytes.empty() ? 0 : below(bytes.size());
    switch (below(7)) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes.insert(at, 1, static_cast<char>(random()));
        break;
      case 2:
        std::swap((*frames)[below(frames->size())], (*frames)[below(frames->size())]);
        break;
      case 3:
        frames->push_back((*frames)[below(frames->size())]);
        break;
      default:
        if (!bytes.empty()) bytes[at] = static_cast<char>(random());
    }
  }
}

}  // namespace

TEST_CASE("executor's frames: a first one that is no setup") {
  CHECK(failure_of_first(job(1, {"true"})) == "what the host says is damaged: its first frame");
  CHECK(failure_of_first(raw(HostFrame::kSetup, "short")) ==
        "what the host says is damaged: its first frame");
  CHECK(failure_of_first(raw_header(kMostFrame + 1, 1, 0)) == "what the host says is no frame");
  CHECK(failure_of_first({"x"}) == "what the host says is no frame");
}

TEST_CASE("executor's frames: a host that goes before its setup is no failure") {
  Helper helper;
  const int status = helper.end();
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  CHECK(helper.failure.empty());
}

TEST_CASE("executor's frames: one that is cut, too large, or without its descriptors") {
  const std::string no_frame = "what the host says is no frame";
  Raw cut = job(2, {"true"});
  cut.bytes.pop_back();
  CHECK(failure_with({cut}) == no_frame);
  CHECK(failure_with({raw_header(~0U, 5, 0)}) == no_frame);
  CHECK(failure_with({raw_header(0, 5, 0xffff)}) == no_frame);
  Raw missing = job(2, {"true"}, Output::kCapture, 1);
  missing.descriptors = 0;
  CHECK(failure_with({missing}) == no_frame);
  Raw more = job(2, {"true"}, Output::kCapture, 1);
  more.descriptors = 3;
  CHECK(failure_with({more}) == no_frame);
}

TEST_CASE("executor's frames: one that nobody knows, or whose body is another's") {
  const auto kind = [](unsigned number) { return static_cast<HostFrame>(number); };
  const std::string damaged = "what the host says is damaged: ";
  CHECK(failure_with({raw(kind(99), "")}) == damaged + "a frame of kind 99");
  CHECK(failure_with({raw(kind(0), "")}) == damaged + "a frame of kind 0");
  CHECK(failure_with({raw(HostFrame::kSkip, "1")}) == damaged + "a frame of kind 9");
  CHECK(failure_with({raw(HostFrame::kAddJob, std::string(100, '\xff'))}) ==
        damaged + "a frame of kind 5");
}

TEST_CASE("executor's frames: in the wrong order, or of what there is not") {
  const std::string damaged = "what the host says is damaged: ";
  CHECK(failure_with({raw(HostFrame::kSetup, pack(SetupMessage{}))}) ==
        damaged + "a frame of kind 1");
  CHECK(failure_with({job(3, {"true"})}) == damaged + "the number of a job");
  CHECK(failure_with({job(1, {"true"})}) == damaged + "the number of a job");
  CHECK(failure_with({raw(HostFrame::kSkip, pack(JobId{7}))}) == damaged + "there is no job 7");
  CHECK(failure_with({raw(HostFrame::kAddNeed, pack(AddNeedMessage{JobId{1}, JobId{0}}))}) ==
        damaged + "there is no job 0");
  CHECK(failure_with({raw(HostFrame::kCloseStage, pack(StageId{3}))}) ==
        damaged + "there is no stage 3");
}

TEST_CASE("executor's frames: after whatever it gets, it ends, and nothing of it is left") {
  int told = 0;
  for (std::uint32_t seed = 1; seed <= kMutations; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Helper helper;
    Raw setup = raw(HostFrame::kSetup, pack(helper.setup()));
    std::vector<Raw> frames = session(2);
    if (seed % 4 == 0) {
      frames.insert(frames.begin(), std::move(setup));
    } else {
      helper.send(setup);
      helper.send(job(1, {"true"}));
      helper.send(job(2, {"printf", "text"}));
      helper.wait_ends(2);
      REQUIRE(helper.ended == 2);
    }
    damage(&frames, random);
    for (const Raw& frame : frames) {
      if (!helper.send(frame)) break;
    }
    helper.wait_quiet();
    const int status = helper.end();
    CAPTURE(helper.messages);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == (helper.failure.empty() ? 0 : kOwnErrorStatus));
    if (!helper.failure.empty()) ++told;
  }
  CHECK(told > static_cast<int>(kMutations) / 3);
}

}  // namespace enjoin
