// How jobs come to their stdin: workers ask for it (ipc/stdin_ticket.h).

#include <utility>

#include "runner/team/local_team.h"

namespace enjoin {

void LocalTeam::answer_stdin() {
  for (const std::uint32_t number : std::exchange(asking_, {})) {
    WorkerProcess& worker = workers_[number];
    if (worker.alive()) answer_stdin(worker);
  }
}

void LocalTeam::answer_stdin(WorkerProcess& worker) {
  ipc::StdinRequest request;
  ipc::TicketRead read = ipc::TicketRead::kOther;
  while (read == ipc::TicketRead::kOther) {
    read = ipc::try_read_stdin_request(worker.socket.get(), &request);
  }
  if (read != ipc::TicketRead::kTaken) return;  // it is leaving: its end is told by its pidfd
  const Flight* const flight = find(request.handle, request.ticket);
  const StdinSource source = flight != nullptr && !flight->ended && stdin_provider_
                                 ? stdin_provider_(flight->job)
                                 : StdinSource::none();
  ipc::StdinAnswer answer;
  answer.ticket = request.ticket;
  answer.kind = source.kind;
  answer.error = source.error;
  answer.pieces = static_cast<std::uint32_t>(source.pieces);
  answer.piece = source.piece;
  // A socket that takes no more is one whose worker reads nothing: it stands still, or is broken.
  if (ipc::send_stdin_answer(worker.socket.get(), answer, source.descriptors.data()) != 0) {
    worker.kill();
  }
}

}  // namespace enjoin
