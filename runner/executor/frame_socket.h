#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/unique_fd.h"
#include "runner/executor/protocol.h"

namespace enjoin {

/// One frame that has come, whole.
struct SocketFrame {
  std::uint16_t kind = 0;
  std::string body;
  /// As many as the header says. Those that could not be received, because this process has no
  /// numbers left (EMFILE), are empty.
  std::vector<ipc::UniqueFd> descriptors;
};

/// One end of the socket between a host and its executor. Never blocks, raises no SIGPIPE. For both
/// sides; one thread at a time.
class FrameSocket {
 public:
  FrameSocket() = default;
  explicit FrameSocket(ipc::UniqueFd socket);  ///< of type SOCK_STREAM; made non-blocking

  int fd() const { return socket_.get(); }

  /// Queues a frame; flush() sends it. Descriptors are copied by the kernel when they are sent:
  /// they are ours until then. At most kMostDescriptors.
  void queue(std::uint16_t kind, std::string_view body,
             std::vector<ipc::UniqueFd> descriptors = {});
  /// Sends what the socket takes. False: the other side is gone; what is queued is dropped.
  bool flush();
  bool has_queued() const { return !queue_.empty(); }
  std::size_t queued_bytes() const { return queued_bytes_; }

  enum class Got {
    kNothing,  ///< nothing (more) for now
    kFrame,
    kGone,     ///< the other side is gone, and all that it sent has been taken
    kDamaged,  ///< what came is no frame
  };
  /// The next frame, if it is there.
  Got take(SocketFrame* frame);

  static constexpr std::size_t kMostDescriptors = 253;  // SCM_MAX_FD

 private:
  struct Piece {
    std::string bytes;                       ///< of several frames, where they have no descriptors
    std::vector<ipc::UniqueFd> descriptors;  ///< go with the first byte
  };
  bool read_more();
  Got take_parsed(SocketFrame* frame);

  ipc::UniqueFd socket_;
  std::deque<Piece> queue_;
  std::size_t sent_ = 0;  ///< of the first piece
  std::size_t queued_bytes_ = 0;
  std::string received_;
  std::size_t parsed_ = 0;                       ///< of received_
  std::deque<std::vector<ipc::UniqueFd>> sets_;  ///< of descriptors, one for each frame with some
  bool gone_ = false;
};

}  // namespace enjoin
