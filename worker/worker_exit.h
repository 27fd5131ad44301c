#pragma once

namespace enjoin {

/// What a worker's exit status tells its supervisor. Any other end is a death.
enum WorkerExit : int {
  kWorkerLeft = 0,        ///< its work was done, or it leaves its jobs' leftovers behind
  kWorkerCondemned = 20,  ///< it was told that shared memory is damaged; its record is complete
  kWorkerSawDamage = 21,  ///< it found shared memory damaged; its record is complete
  kWorkerFailed = 255,    ///< it said why on stderr
};

}  // namespace enjoin
