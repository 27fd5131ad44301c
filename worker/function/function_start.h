#pragma once

// What a worker of a pool is started with. It travels as any worker's start does, over the keeper
// (worker/keeper_protocol.h), so it is a WorkerStart with other meanings.

#include <cstdint>
#include <string>

#include "enjoin/archive.h"
#include "worker/worker_start.h"

namespace enjoin {

struct FunctionStart {
  ipc::WorkerId id;
  std::uint32_t parent_pid = 0;  ///< the keeper's
  int table = -1, control = -1, results = -1, config = -1, event = -1;
  int argument_log = -1, result_log = -1;
  int errors = -1;       ///< its stderr, opened for appending
  int errors_mark = -1;  ///< the same file, opened once more: see worker/function/error_log.h
  int shared = -1;       ///< of shared objects; where there are none, any descriptor

  WorkerStart packed() const {
    return {.id = id,
            .parent_pid = parent_pid,
            .table = table,
            .control = control,
            .results = results,
            .config = config,
            .event = event,
            .socket = argument_log,
            .spool = {result_log, shared},
            .capture = {errors, errors_mark}};
  }
  static FunctionStart from(const WorkerStart& start) {
    return {.id = start.id,
            .parent_pid = start.parent_pid,
            .table = start.table,
            .control = start.control,
            .results = start.results,
            .config = start.config,
            .event = start.event,
            .argument_log = start.socket,
            .result_log = start.spool[0],
            .errors = start.capture[0],
            .errors_mark = start.capture[1],
            .shared = start.spool[1]};
  }
};

/// What is the same for all workers of a pool: in a segment that is written once.
struct FunctionConfig {
  std::uint64_t jobs_per_worker = 0;    ///< as in PoolOptions, all of them
  std::uint64_t growth_per_worker = 0;  ///< bytes
  std::uint64_t worker_age_ns = 0;
  bool has_shared = false;
  bool has_initializer = false;
  std::uint64_t initializer = 0;  ///< the function's id
  std::string arguments;          ///< its

  template <class A>
  void archive(A& a) {
    a(jobs_per_worker, growth_per_worker, worker_age_ns, has_shared, has_initializer, initializer,
      arguments);
  }
};

/// Of the pools' keepers, in the environment: the number of the socket to the host, the pidfd of
/// the host.
inline constexpr char kKeeperVariable[] = "ENJOIN_POOL_KEEPER";

/// A worker's exit status; any other is that of a function that left the process.
enum FunctionExit : int {
  kFunctionWorkerLeft = 0,      ///< the pool is closed, or it is to be replaced
  kFunctionWorkerFailed = 84,   ///< it cannot work: it said why in its error log
  kFunctionWorkerDamaged = 85,  ///< shared memory is damaged
};

/// What a keeper's answer says instead of an errno (KeeperNews::kNotStarted, no id): the program
/// came to make a Pool and not to worker_main().
inline constexpr std::int32_t kNoWorkerMain = -1;

}  // namespace enjoin
