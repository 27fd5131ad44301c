#include "ipc/stdin_ticket.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace enjoin::ipc {
namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(int) * StdinAnswer::kMostDescriptors);

int send_whole(int socket, const msghdr& message) {
  while (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

TicketRead after_failed_read(ssize_t got) {
  if (got == 0) return TicketRead::kClosed;
  return errno == EAGAIN ? TicketRead::kNothing : TicketRead::kClosed;
}

ssize_t receive(int socket, msghdr* message) {
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  return got;
}

// All that came, so that none stays open where the answer is not what it should be.
std::size_t take_descriptors(msghdr* message, std::span<UniqueFd> descriptors) {
  std::size_t count = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < here; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      UniqueFd owned(fd);
      if (count < descriptors.size()) descriptors[count++] = std::move(owned);
    }
  }
  return count;
}

}  // namespace

int send_stdin_request(int socket, const StdinRequest& request) {
  iovec bytes{const_cast<StdinRequest*>(&request), sizeof request};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  return send_whole(socket, message);
}

int send_stdin_answer(int socket, const StdinAnswer& answer, const int* descriptors) {
  iovec bytes{const_cast<StdinAnswer*>(&answer), sizeof answer};
  alignas(cmsghdr) char control[kControlBytes] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (const std::size_t count = answer.descriptors(); count > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * count);
    std::memcpy(CMSG_DATA(part), descriptors, sizeof(int) * count);
  }
  return send_whole(socket, message);
}

TicketRead try_read_stdin_request(int socket, StdinRequest* request) {
  iovec bytes{request, sizeof *request};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  const ssize_t got = receive(socket, &message);
  if (got <= 0) return after_failed_read(got);
  const bool whole = got == sizeof *request && request->magic == StdinRequest::kMagic;
  return whole ? TicketRead::kTaken : TicketRead::kOther;
}

TicketRead try_read_stdin_answer(int socket, StdinAnswer* answer, std::span<UniqueFd> descriptors) {
  iovec bytes{answer, sizeof *answer};
  alignas(cmsghdr) char control[kControlBytes] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = receive(socket, &message);
  // Also of an empty message, which else looks like the end.
  const std::size_t count = got >= 0 ? take_descriptors(&message, descriptors) : 0;
  if (got <= 0) {
    for (UniqueFd& fd : descriptors) fd.reset();
    return after_failed_read(got);
  }
  const std::size_t most =
      answer->kind == StdinKind::kDescriptors ? descriptors.size() : StdinAnswer::kMostPieces;
  const bool whole =
      got == sizeof *answer && answer->pieces <= most && count == answer->descriptors();
  if (whole) return TicketRead::kTaken;
  for (UniqueFd& fd : descriptors) fd.reset();
  // A descriptor may be missing because ours have run out.
  if (got == sizeof *answer) {
    answer->kind = StdinKind::kFailed;
    answer->error = EMFILE;
    answer->pieces = 0;
    return TicketRead::kTaken;
  }
  return TicketRead::kOther;
}

}  // namespace enjoin::ipc
