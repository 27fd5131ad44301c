#pragma once

#include <array>
#include <cstdint>

#include "ipc/claim_queue.h"

namespace enjoin {

/// What a worker is started with. Its descriptors come from the supervisor, over the keeper.
struct WorkerStart {
  static constexpr int kDescriptors = 12;
  static constexpr int kKeptDescriptors = 2;  ///< the last ones: -1 where no output is kept
  using Descriptors = std::array<int, kDescriptors>;

  ipc::WorkerId id;
  std::uint32_t parent_pid = 0;  ///< the keeper's
  int table = -1, control = -1, results = -1, config = -1;
  int event = -1, socket = -1;
  int spool[2] = {-1, -1};
  int capture[2] = {-1, -1};
  int kept[2] = {-1, -1};

  /// In the order in which they are passed on; and back.
  Descriptors descriptors() const {
    return {table,    control,  results,    config,     event,   socket,
            spool[0], spool[1], capture[0], capture[1], kept[0], kept[1]};
  }
  static WorkerStart with(ipc::WorkerId id, const Descriptors& all) {
    return {.id = id,
            .table = all[0],
            .control = all[1],
            .results = all[2],
            .config = all[3],
            .event = all[4],
            .socket = all[5],
            .spool = {all[6], all[7]},
            .capture = {all[8], all[9]},
            .kept = {all[10], all[11]}};
  }
};

}  // namespace enjoin
