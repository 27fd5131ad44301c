#include "worker/keeper_protocol.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>

#include "ipc/unique_fd.h"

namespace enjoin {
namespace {

constexpr std::size_t kDescriptorBytes = WorkerStart::kDescriptors * sizeof(int);

KeeperRead read_answer(ssize_t got, std::size_t wanted) {
  if (got == static_cast<ssize_t>(wanted)) return KeeperRead::kTaken;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return KeeperRead::kNothing;
  return KeeperRead::kClosed;
}

}  // namespace

int send_keeper_request(int socket, const KeeperRequest& request, const WorkerStart* start) {
  KeeperRequest copy = request;
  iovec bytes{&copy, sizeof copy};
  alignas(cmsghdr) char room[CMSG_SPACE(kDescriptorBytes)] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (start != nullptr) {
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    const WorkerStart::Descriptors all = start->descriptors();
    copy.descriptors = WorkerStart::kDescriptors;
    if (all.back() < 0) copy.descriptors -= WorkerStart::kKeptDescriptors;
    header->cmsg_len = CMSG_LEN(copy.descriptors * sizeof(int));
    message.msg_controllen = CMSG_SPACE(copy.descriptors * sizeof(int));
    std::memcpy(CMSG_DATA(header), all.data(), copy.descriptors * sizeof(int));
  }
  while (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

KeeperRead try_read_keeper_request(int socket, KeeperRequest* request, WorkerStart* start) {
  iovec bytes{request, sizeof *request};
  alignas(cmsghdr) char room[CMSG_SPACE(kDescriptorBytes)];
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const KeeperRead read = read_answer(got, sizeof *request);
  WorkerStart::Descriptors all;
  all.fill(-1);
  const cmsghdr* const header = got >= 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    std::memcpy(all.data(), CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
  }
  if (read != KeeperRead::kTaken || request->order != KeeperOrder::kStart) {
    for (int& fd : all) ipc::UniqueFd(std::exchange(fd, -1));  // of no use to anybody
  }
  *start = WorkerStart::with(request->id, all);
  return read;
}

bool send_keeper_answer(int socket, const KeeperAnswer& answer) {
  while (::send(socket, &answer, sizeof answer, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

KeeperRead try_read_keeper_answer(int socket, KeeperAnswer* answer) {
  return read_answer(::recv(socket, answer, sizeof *answer, MSG_DONTWAIT), sizeof *answer);
}

}  // namespace enjoin
