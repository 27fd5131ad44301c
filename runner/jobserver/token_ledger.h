#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace enjoin {

/// Who holds the slots of a jobserver: so many jobs as run hold one each, and what they run may
/// hold more, as tokens. Each job has a pipe of its own, so it is known for each how many tokens
/// went to it, and when it ends all of them come back, whoever held them.
///
/// Pure bookkeeping: the pipes are JobserverServer's. It says how many tokens lie in each (`see`),
/// asks what is to be moved (`next_move`), moves it, and tells what came of it (`moved`).
class TokenLedger {
 public:
  using JobKey = std::uint64_t;

  explicit TokenLedger(std::uint32_t slots) : slots_(slots) {}

  /// A job takes a slot. False: none is free.
  bool try_begin(JobKey job);
  /// All that it held is free; nothing happens where it is not known.
  void end(JobKey job);

  /// So many tokens lie unused in the job's pipe. Returns how many of them are too many, because
  /// the job has written more than it had got: those are to be thrown away.
  std::uint32_t see(JobKey job, std::uint32_t unused);

  /// One token goes to the pipe of `to`, or, without one, becomes free for a start.
  struct Move {
    std::optional<JobKey> from;  ///< none: a free one
    std::optional<JobKey> to;
  };
  /// What is to be moved next, if anything. `start_waits`: a job is to begin, and needs a slot; it
  /// goes first. `patience_over`: nobody has taken what was offered for a while, so that the last
  /// unused token of one job may be offered to another that has none.
  std::optional<Move> next_move(bool start_waits, bool patience_over);
  /// The move was made. Where the token to be moved was gone, say see() instead.
  void moved(const Move& move);

  /// Some job has nothing left to take, and another has something: time may change that.
  bool is_uneven() const;
  /// Some job has taken or brought back tokens since this was asked last.
  bool take_stirred();

  std::uint32_t free() const;
  std::size_t jobs() const { return jobs_.size(); }
  std::uint32_t granted(JobKey job) const;  ///< tokens that it has, unused ones included

 private:
  struct Holder {
    std::uint32_t granted = 0;
    std::uint32_t unused = 0;
    bool takes = false;         ///< it has used one: it is a jobserver's client
    std::uint64_t offered = 0;  ///< when it got one last, by turn_
  };
  using Jobs = std::map<JobKey, Holder>;
  Jobs::iterator richest();
  Jobs::iterator neediest();

  std::uint32_t slots_;
  std::uint32_t out_ = 0;  ///< sum of Holder::granted
  std::uint64_t turn_ = 0;
  bool stirred_ = false;
  Jobs jobs_;
};

}  // namespace enjoin
