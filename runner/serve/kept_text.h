#pragma once

#include <string>
#include <vector>

#include "ipc/unique_fd.h"
#include "runner/executor/messages.h"
#include "runner/team/local_team.h"

namespace enjoin {

/// Puts what the job of `result`, which LocalTeam::collect() delivers now, wrote into the message:
/// the text where it is little, else a copy of it in an unlinked file of `folder`, one for each of
/// `descriptors`. What cannot be kept makes the job a failed one (OutputFailed).
void add_output(const LocalTeam& team, const JobResult& result, const std::string& folder,
                EndedMessage* message, std::vector<ipc::UniqueFd>* descriptors);

}  // namespace enjoin
