// What the team does about shared memory that is damaged, and about workers that stand still.

#include "runner/team/local_team.h"

namespace enjoin {

TeamCounters LocalTeam::counters() const {
  TeamCounters counters = counters_;
  counters.locks_healed += publisher_.locks_healed() + printer_->queue().locks_healed();
  return counters;
}

}  // namespace enjoin
