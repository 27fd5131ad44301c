#include "runner/serve/serve.h"

#include <chrono>
#include <exception>
#include <optional>
#include <poll.h>
#include <utility>

#include "enjoin/error.h"
#include "runner/executor/frame_socket.h"
#include "runner/executor/messages.h"
#include "runner/serve/host_session.h"
#include "worker/privilege.h"

namespace enjoin {
namespace {

constexpr int kOwnErrorStatus = 255;
constexpr int kPatienceMs = 1000;  // for a host to take our last word

struct Setup {
  SetupMessage message;
  ipc::UniqueFd host;
};

// nullopt: the host has gone before.
std::optional<Setup> wait_for_setup(FrameSocket* socket) {
  SocketFrame frame;
  while (true) {
    const FrameSocket::Got got = socket->take(&frame);
    if (got == FrameSocket::Got::kFrame) break;
    if (got == FrameSocket::Got::kGone) return std::nullopt;
    if (got == FrameSocket::Got::kDamaged) throw Error("what the host says is no frame");
    const short events = static_cast<short>(socket->has_queued() ? POLLIN | POLLOUT : POLLIN);
    pollfd ready{socket->fd(), events, 0};
    ::poll(&ready, 1, -1);
    if (!socket->flush()) return std::nullopt;
  }
  Setup setup;
  if (frame.kind != static_cast<std::uint16_t>(HostFrame::kSetup) ||
      !unpack(frame.body, &setup.message)) {
    throw Error("what the host says is damaged: its first frame");
  }
  if (!frame.descriptors.empty()) setup.host = std::move(frame.descriptors.front());
  return setup;
}

void say_last_word(FrameSocket* socket, const std::string& why) {
  socket->queue(static_cast<std::uint16_t>(ExecutorFrame::kFailed), pack(std::string_view(why)));
  while (socket->flush() && socket->has_queued()) {
    pollfd ready{socket->fd(), POLLOUT, 0};
    if (::poll(&ready, 1, kPatienceMs) <= 0) return;
  }
}

}  // namespace

int serve(ipc::UniqueFd given) {
  FrameSocket socket(std::move(given));
  try {
    if (const char* const reason = reason_to_refuse(Privilege::of_process())) throw Error(reason);
    socket.queue(static_cast<std::uint16_t>(ExecutorFrame::kHello), pack(kExecutorProtocol));
    if (!socket.flush()) return 0;
    std::optional<Setup> setup = wait_for_setup(&socket);
    if (!setup) return 0;
    HostSession(std::move(setup->message), std::move(setup->host), &socket).run();
    return 0;
  } catch (const std::exception& error) {
    say_last_word(&socket, error.what());
  }
  return kOwnErrorStatus;
}

}  // namespace enjoin
