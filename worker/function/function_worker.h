#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "enjoin/function.h"
#include "ipc/bells.h"
#include "ipc/claim_queue.h"
#include "ipc/results.h"
#include "ipc/spin.h"
#include "ipc/team_memory.h"
#include "ipc/unique_fd.h"
#include "worker/function/call_timer.h"
#include "worker/function/error_log.h"
#include "worker/function/function_protocol.h"
#include "worker/function/function_start.h"

namespace enjoin {

/// A worker of a pool: claims calls, makes them, records how they ended. It has one thread of its
/// own and no say in what functions do to the process: any end of it is a death, which the keeper
/// tells the host, and the kernel ends it when its keeper dies.
///
/// How many calls it claims at once follows from how long they take: as many as take 100
/// microseconds together, and never more than a fair part of what is in the queue. Where one of
/// them takes long all the same, those behind it go back to the others.
class FunctionWorker {
 public:
  /// Throws Error. Takes the descriptors.
  explicit FunctionWorker(const FunctionStart& start);

  /// Returns when it is to leave, with its exit status (FunctionExit).
  int run();

 private:
  struct Claimed {
    std::uint64_t ticket;
    std::uint64_t function;
    std::uint64_t timeout_ns;
    std::uint32_t handle;
    std::uint16_t attempt;
    std::uint16_t flags;
    std::string_view bytes;
  };

  bool initialize();
  void run_batch(std::size_t count);
  void hand_back(std::size_t from, std::size_t count);
  void announce_call(std::uint64_t ticket);
  bool take_call(std::uint64_t position, Claimed* call);
  bool read_from_log(Claimed* call);
  void make_call(const Claimed& call);
  void record(const Claimed& call, CallEnd end, std::string_view payload);
  bool write_to_log(std::string_view bytes, LogSpan* span);
  const detail::Function* find(std::uint64_t id);
  void choose_batch(std::size_t made, std::uint64_t took_ns);
  std::size_t fair_batch() const;
  bool closed() const;
  void rest();
  void wait_for_room();
  bool worn_out();
  std::uint64_t resident_bytes() const;

  const FunctionStart start_;
  const ipc::TeamMemory memory_;
  const FunctionConfig config_;
  ipc::ClaimQueue queue_;
  ipc::Bells bells_;
  ipc::ResultWriter results_;
  const ipc::UniqueFd event_;
  const ipc::UniqueFd argument_log_;
  const ipc::UniqueFd result_log_;
  ErrorLog errors_;
  std::optional<CallTimer> timer_;  // made when the first call with a timeout comes

  std::vector<std::uint64_t> claimed_;
  std::size_t batch_ = 1;
  char inline_[ipc::kInlinePayload];
  std::string long_;
  ArchiveWriter result_;
  std::uint64_t log_end_ = 0;

  struct Known {
    std::uint64_t id = 0;
    const detail::Function* function = nullptr;
  };
  static constexpr std::size_t kKnown = 16;
  Known known_[kKnown];
  std::uint64_t known_at_ = 0;  // Function::changes() then

  ipc::Spin spin_;
  std::uint64_t made_ = 0;
  const std::uint64_t born_ns_;
  std::uint64_t first_size_ = 0;  // resident, after the first call
};

}  // namespace enjoin
