// libFuzzer target: messages between processes of a team, as a hostile peer would send them: any
// bytes, any length, any number of descriptors, descriptors of any kind. None is lost or left open,
// and a message is taken only where it is whole.

#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/socket.h>

#include "fuzz/fuzz_input.h"
#include "ipc/stdin_ticket.h"
#include "worker/keeper_protocol.h"
#include "worker/stdin_feed.h"

namespace {

using namespace enjoin;
using namespace enjoin::ipc;
using enjoin::test::FuzzInput;
using enjoin::test::require;

constexpr std::size_t kMostSent = 12;

struct Ends {
  Ends() {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
  UniqueFd ours, theirs;
};

// A descriptor that was left open lies somewhere between the first free one and this.
constexpr int kHighestFd = 64;
int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < kHighestFd; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

void send(int socket, std::string bytes, std::size_t descriptors) {
  const UniqueFd given(::memfd_create("fuzz", MFD_CLOEXEC));
  require(::write(given.get(), "0123456789", 10) == 10);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostSent)] = {};
  iovec part{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptors > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors);
    cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * descriptors);
    for (std::size_t i = 0; i < descriptors; ++i) {
      const int fd = given.get();
      std::memcpy(CMSG_DATA(rights) + i * sizeof fd, &fd, sizeof fd);
    }
  }
  ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// What a worker does with an answer, but for starting a job.
void feed(const StdinAnswer& answer, StdinDescriptors descriptors) {
  if (answer.kind != StdinKind::kFile && answer.kind != StdinKind::kPieces) return;
  StdinFeed feed(answer, std::move(descriptors));
  const UniqueFd job = feed.open_pipe();
  require(static_cast<bool>(job));
  char bytes[4096];
  for (int round = 0; round < 64 && feed.is_open(); ++round) {
    feed.pump();
    static_cast<void>(feed.wants());
    if (!feed.is_open()) break;
    ::fcntl(job.get(), F_SETFL, O_NONBLOCK);
    static_cast<void>(::read(job.get(), bytes, sizeof bytes));
  }
}

template <typename T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string message_bytes(FuzzInput& input) {
  const std::uint8_t kind = input.number() % 4;
  if (kind == 0) return input.text(200);
  if (kind == 1) {
    return bytes_of(KeeperRequest{
        static_cast<KeeperOrder>(input.number() % 6),
        {static_cast<std::uint32_t>(input.odd_number()), input.number<std::uint8_t>()}});
  }
  if (kind == 2) {
    KeeperAnswer answer;
    answer.news = static_cast<KeeperNews>(input.number() % 6);
    answer.id.number = static_cast<std::uint32_t>(input.odd_number());
    answer.pid = static_cast<std::int32_t>(input.odd_number());
    return bytes_of(answer);
  }
  StdinAnswer answer;
  answer.ticket = input.number();
  answer.kind = static_cast<StdinKind>(input.number() % 5);
  answer.pieces = static_cast<std::uint32_t>(input.odd_number());
  for (StdinPiece& piece : answer.piece) {
    piece.offset = input.odd_number();
    piece.length = input.odd_number();
  }
  return bytes_of(answer);
}

// Whoever reads, reads one kind of message, whatever comes. False: there is no more.
bool read_stdin_request(int socket) {
  StdinRequest request;
  const TicketRead got = try_read_stdin_request(socket, &request);
  return got == TicketRead::kTaken || got == TicketRead::kOther;
}

bool read_stdin_answer(int socket) {
  StdinAnswer answer;
  StdinDescriptors descriptors;
  const TicketRead got = try_read_stdin_answer(socket, &answer, descriptors);
  if (got == TicketRead::kTaken) {
    require(answer.descriptors() <= StdinAnswer::kMostPieces);
    for (std::size_t i = 0; i < answer.descriptors(); ++i) {
      require(static_cast<bool>(descriptors[i]));
    }
    feed(answer, std::move(descriptors));
  }
  return got == TicketRead::kTaken || got == TicketRead::kOther;
}

bool read_keeper_request(int socket) {
  KeeperRequest request;
  WorkerStart start;
  if (try_read_keeper_request(socket, &request, &start) != KeeperRead::kTaken) return false;
  for (const int fd : start.descriptors()) {
    if (request.order != KeeperOrder::kStart) require(fd == -1);
    const UniqueFd owned(fd);
    if (fd >= 0) require((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
  return true;
}

bool read_keeper_answer(int socket) {
  KeeperAnswer answer;
  return try_read_keeper_answer(socket, &answer) == KeeperRead::kTaken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  const int before = open_descriptors();
  {
    Ends ends;
    for (int i = 0; i < 4 && !input.empty(); ++i) {
      send(ends.theirs.get(), message_bytes(input), input.number() % (kMostSent + 1));
    }
    if ((input.number() & 1) != 0) ends.theirs.reset();
    using Read = bool (*)(int);
    constexpr Read kReads[] = {read_stdin_request, read_stdin_answer, read_keeper_request,
                               read_keeper_answer};
    const Read read = kReads[input.number() % 4];
    for (int i = 0; i < 6 && read(ends.ours.get()); ++i) {
    }
  }
  require(open_descriptors() == before);
  return 0;
}
