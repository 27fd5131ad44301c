// How jobs come to their stdin, and to descriptors that they ask for: workers ask for it
// (ipc/stdin_ticket.h).

#include <cerrno>
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
  if (spec_.worker.recipes) return answer_descriptors(worker, request, flight);
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

void LocalTeam::answer_descriptors(WorkerProcess& worker, const ipc::StdinRequest& request,
                                   const Flight* flight) {
  const bool wanted = flight != nullptr && !flight->ended && descriptor_provider_;
  JobDescriptors given = wanted ? descriptor_provider_(flight->job) : JobDescriptors::failed(EBADF);
  if (given.numbers.size() > ipc::StdinAnswer::kMostDescriptors) given.error = E2BIG;
  ipc::StdinAnswer answer;
  answer.ticket = request.ticket;
  answer.error = given.error;
  answer.kind = given.error != 0 ? ipc::StdinKind::kFailed : ipc::StdinKind::kDescriptors;
  if (given.error == 0) answer.pieces = static_cast<std::uint32_t>(given.numbers.size());
  int error = ipc::send_stdin_answer(worker.socket.get(), answer, given.numbers.data());
  if (error == EBADF || error == ETOOMANYREFS) {  // one of them is none, or too many are under way
    answer.kind = ipc::StdinKind::kFailed;
    answer.error = error;
    answer.pieces = 0;
    error = ipc::send_stdin_answer(worker.socket.get(), answer, nullptr);
  }
  if (error != 0) worker.kill();
}

}  // namespace enjoin
