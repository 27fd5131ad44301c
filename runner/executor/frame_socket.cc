#include "runner/executor/frame_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

#include "ipc/check.h"

// A set of descriptors belongs to the frame that begins with the byte it was sent with. The kernel
// gives a reader at most one set a call, in the order of the bytes: so the sets that have come
// belong to the frames with descriptors, in order.

namespace enjoin {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kGlued = 64 * 1024;  // small frames are sent together up to this size
constexpr std::size_t kControlSize = CMSG_SPACE(sizeof(int) * FrameSocket::kMostDescriptors);

}  // namespace

FrameSocket::FrameSocket(ipc::UniqueFd socket) : socket_(std::move(socket)) {
  const int flags = ::fcntl(socket_.get(), F_GETFL);
  ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
}

void FrameSocket::queue(std::uint16_t kind, std::string_view body,
                        std::vector<ipc::UniqueFd> descriptors) {
  ENJOIN_CHECK(descriptors.size() <= kMostDescriptors, descriptors.size(), kMostDescriptors);
  const FrameHeader header{static_cast<std::uint32_t>(body.size()), kind,
                           static_cast<std::uint16_t>(descriptors.size())};
  const bool glue = descriptors.empty() && !queue_.empty() && queue_.back().bytes.size() < kGlued;
  if (!glue) queue_.push_back({{}, std::move(descriptors)});
  std::string& bytes = queue_.back().bytes;
  bytes.append(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(body);
  queued_bytes_ += sizeof header + body.size();
}

bool FrameSocket::flush() {
  while (!queue_.empty()) {
    Piece& piece = queue_.front();
    iovec part{piece.bytes.data() + sent_, piece.bytes.size() - sent_};
    alignas(cmsghdr) char control[kControlSize];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (sent_ == 0 && !piece.descriptors.empty()) {
      const std::size_t size = sizeof(int) * piece.descriptors.size();
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(size);
      std::memset(control, 0, message.msg_controllen);
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(size);
      auto* at = CMSG_DATA(header);
      for (const ipc::UniqueFd& descriptor : piece.descriptors) {
        const int fd = descriptor.get();
        std::memcpy(at, &fd, sizeof fd);
        at += sizeof fd;
      }
    }
    const ssize_t size = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    // ETOOMANYREFS: too many descriptors are under way; the other side will take some.
    if (size < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)) return true;
    if (size < 0) {
      queue_.clear();
      queued_bytes_ = 0;
      sent_ = 0;
      return false;
    }
    sent_ += static_cast<std::size_t>(size);
    queued_bytes_ -= static_cast<std::size_t>(size);
    if (sent_ < piece.bytes.size()) continue;
    queue_.pop_front();
    sent_ = 0;
  }
  return true;
}

FrameSocket::Got FrameSocket::take(SocketFrame* frame) {
  while (true) {
    const Got got = take_parsed(frame);
    if (got != Got::kNothing) return got;
    if (gone_) return received_.size() == parsed_ ? Got::kGone : Got::kDamaged;
    if (!read_more() && !gone_) return Got::kNothing;
  }
}

FrameSocket::Got FrameSocket::take_parsed(SocketFrame* frame) {
  const std::string_view rest = std::string_view(received_).substr(parsed_);
  FrameHeader header;
  if (rest.size() < sizeof header) return Got::kNothing;
  std::memcpy(&header, rest.data(), sizeof header);
  if (header.size > kMostFrame || header.descriptors > kMostDescriptors) return Got::kDamaged;
  if (rest.size() < sizeof header + header.size) return Got::kNothing;
  frame->kind = header.kind;
  frame->body.assign(rest.substr(sizeof header, header.size));
  frame->descriptors.clear();
  if (header.descriptors > 0) {
    if (sets_.empty() || sets_.front().size() > header.descriptors) return Got::kDamaged;
    frame->descriptors = std::move(sets_.front());
    frame->descriptors.resize(header.descriptors);
    sets_.pop_front();
  }
  parsed_ += sizeof header + header.size;
  return Got::kFrame;
}

// False: nothing came.
bool FrameSocket::read_more() {
  received_.erase(0, std::exchange(parsed_, 0));
  const std::size_t before = received_.size();
  received_.resize(before + kReadSize);
  iovec part{received_.data() + before, kReadSize};
  alignas(cmsghdr) char control[kControlSize];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  received_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size <= 0) {
    gone_ = size == 0 || (errno != EAGAIN && errno != ENOMEM && errno != ENOBUFS);
    return false;
  }
  bool has_set = (message.msg_flags & MSG_CTRUNC) != 0;
  std::vector<ipc::UniqueFd> set;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    has_set = true;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t at = 0; at < count; ++at) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + at * sizeof fd, sizeof fd);
      set.emplace_back(fd);
    }
  }
  if (has_set) sets_.push_back(std::move(set));
  return true;
}

}  // namespace enjoin
