#include "runner/executor/helper_start.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/syscall.h>

#include "enjoin/error.h"
#include "runner/executor/helper_place.h"
#include "runner/executor/messages.h"
#include "worker/detached.h"

namespace enjoin {
namespace {

constexpr char kName[] = "enjoin-executor";

std::vector<std::string> own_environment() {
  std::vector<std::string> words;
  for (char** word = ::environ; word != nullptr && *word != nullptr; ++word) {
    words.emplace_back(*word);
  }
  return words;
}

std::uint64_t own_signal_mask() {
  std::uint64_t mask = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &mask, sizeof mask);
  return mask;
}

/// The two descriptors of the pipe that a make has offered us, -1 where there is none; the last
/// word about it counts. Whether they are such a pipe the helper sees.
std::array<int, 2> offered_jobserver() {
  const char* const flags = std::getenv("MAKEFLAGS");
  constexpr char kWord[] = "--jobserver-auth=";
  std::array<int, 2> ends = {-1, -1};
  for (const char* at = flags; at != nullptr && (at = std::strstr(at, kWord)) != nullptr;) {
    at += sizeof kWord - 1;
    if (std::sscanf(at, "%d,%d", &ends[0], &ends[1]) != 2) ends = {-1, -1};
  }
  for (int& end : ends) {
    if (end <= 2 || ::fcntl(end, F_GETFD) < 0) end = -1;
  }
  return ends;
}

void wait_for_hello(FrameSocket* socket, const std::string& path) {
  SocketFrame frame;
  while (true) {
    const FrameSocket::Got got = socket->take(&frame);
    if (got == FrameSocket::Got::kFrame) break;
    if (got != FrameSocket::Got::kNothing) {
      throw Error(path + " ended as soon as it was started: what it had to say is on stderr");
    }
    pollfd ready{socket->fd(), POLLIN, 0};
    ::poll(&ready, 1, -1);
  }
  std::uint32_t version = 0;
  std::string text;
  if (frame.kind == static_cast<std::uint16_t>(ExecutorFrame::kFailed) &&
      unpack(frame.body, &text)) {
    throw Error(path + ": " + text);
  }
  if (frame.kind != static_cast<std::uint16_t>(ExecutorFrame::kHello) ||
      !unpack(frame.body, &version) || version != kExecutorProtocol) {
    throw Error(path + " is of another build of enjoin than this library");
  }
}

SetupMessage setup_of(const ExecutorOptions& options, const std::string& folder) {
  SetupMessage setup;
  setup.host_pid = static_cast<std::uint32_t>(::getpid());
  setup.signal_mask = own_signal_mask();
  setup.options = options;
  setup.options.helpers = folder;
  if (setup.options.scratch_folder.empty()) {
    const char* chosen = std::getenv("TMPDIR");
    setup.options.scratch_folder = chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
  }
  setup.environment = own_environment();
  return setup;
}

}  // namespace

FrameSocket start_helper(const ExecutorOptions& options) {
  const Helper helper = find_helper(kName, options.helpers);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw system_error("cannot make a socket for an executor", errno);
  }
  FrameSocket socket{ipc::UniqueFd(ends[0])};
  ipc::UniqueFd theirs(ends[1]);
  const ipc::UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) throw system_error("cannot open /dev/null", errno);
  const int messages = ::fcntl(2, F_GETFD) >= 0 ? 2 : nothing.get();

  DetachedStart start;
  start.program = helper.program.get();
  start.environment = own_environment();
  start.descriptors = {{nothing.get(), 0}, {nothing.get(), 1}, {messages, 2}};
  int number = kExecutorSocket;
  if (options.jobserver == Jobserver::kClient) {
    const std::array<int, 2> offered = offered_jobserver();
    for (const int end : offered) {
      if (end >= 0) start.descriptors.emplace_back(end, end);
    }
    while (number == offered[0] || number == offered[1]) ++number;
  }
  start.descriptors.emplace_back(theirs.get(), number);
  start.argv = {kName, std::to_string(number)};
  start_detached(start);
  theirs.reset();  // or its death would not be seen
  wait_for_hello(&socket, helper.folder + "/" + kName);

  std::vector<ipc::UniqueFd> descriptors;
  ipc::UniqueFd host(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (host) descriptors.push_back(std::move(host));
  socket.queue(static_cast<std::uint16_t>(HostFrame::kSetup),
               pack(setup_of(options, helper.folder)), std::move(descriptors));
  return socket;
}

}  // namespace enjoin
