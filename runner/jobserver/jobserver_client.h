#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>

#include "ipc/unique_fd.h"
#include "runner/jobserver/job_slots.h"
#include "runner/jobserver/makeflags.h"

namespace enjoin {

/// Takes slots from the jobserver of the make that started us. One is ours without asking, as each
/// make's child has one. Tokens go back as soon as no job needs them, and all of them at the end.
///
/// The pipe is shared with that make and all that it has started, so its file status must not be
/// changed: it is opened once more, by /proc/self/fd, to read from it without waiting. Where that
/// cannot be done (no /proc; another user's pipe), a token is moved into a pipe of our own first.
class JobserverClient final : public JobSlots {
 public:
  /// Null: `flags` name no jobserver, or one that we were not given (make gives it to lines that
  /// name $(MAKE) or begin with `+` only).
  static std::unique_ptr<JobserverClient> connect(const MakeFlags& flags) {
    return connect(flags, "/proc/self/fd/");
  }
  /// With another folder of our descriptors, for tests.
  static std::unique_ptr<JobserverClient> connect(const MakeFlags& flags,
                                                  const std::string& descriptors);
  ~JobserverClient() override;

  bool try_take() override;
  void put_back() override;
  void began(std::uint64_t job) override;
  void ended(std::uint64_t job) override;
  void turn(TimePoint now) override;
  int wait_fd() const override;
  std::chrono::nanoseconds until_due(TimePoint now) const override;

  std::size_t tokens() const { return tokens_.size(); }

 private:
  struct Pipe {
    ipc::UniqueFd from;
    ipc::UniqueFd to;
  };
  JobserverClient(Pipe tokens, Pipe own)
      : from_(std::move(tokens.from)), to_(std::move(tokens.to)), own_(std::move(own)) {}
  long read_token(char* token);
  void give_back_beyond(std::size_t needed);

  ipc::UniqueFd from_;
  ipc::UniqueFd to_;
  Pipe own_;            ///< where reading from `from_` would wait
  std::string tokens_;  ///< the bytes that were read: the same go back
  std::size_t in_use_ = 0;
  std::set<std::uint64_t> jobs_;
  bool refused_ = false;   ///< since the last turn
  bool starving_ = false;  ///< in the turn before that
  bool broken_ = false;    ///< the jobserver is gone
};

/// The jobserver that $MAKEFLAGS offers us, if it can be used; else JobserverStyle::kNone.
MakeFlags offered_jobserver();

}  // namespace enjoin
