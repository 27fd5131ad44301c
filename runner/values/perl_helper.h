#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/unique_fd.h"
#include "worker/spawn.h"

namespace enjoin {

/// What is asked of perl, or answered: a list of strings (perl_program.h says which). Bytes that
/// can be sent.
class PerlMessage {
 public:
  explicit PerlMessage(std::string_view what) { add(what); }
  void add(std::string_view string);
  void add(std::uint64_t number) { add(std::to_string(number)); }
  std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// One perl process that evaluates expressions for the whole run, started by the constructor and
/// ended by the destructor, or with us. Its state (variables, loaded modules) lives on from job to
/// job. It has our stderr and its two pipes. Signals to our process group do not reach it, so that
/// a run that is interrupted can still be brought to its end.
///
/// One thread at a time. Must be there before a LocalTeam is, which takes later children of ours
/// for what dead workers left.
class PerlHelper {
 public:
  /// `workers`: how many jobs run at once. Throws Error where perl is missing or cannot be started.
  explicit PerlHelper(std::uint32_t workers);
  ~PerlHelper();
  PerlHelper(const PerlHelper&) = delete;
  PerlHelper& operator=(const PerlHelper&) = delete;

  /// Asks all, waits for all answers, in order: each a list of strings, never empty. Perl's errors
  /// are answers ("error", text). Throws Error where perl ended or does not make sense.
  std::vector<std::vector<std::string>> ask(std::span<const PerlMessage> messages);
  std::vector<std::string> ask(const PerlMessage& message) {
    return std::move(ask(std::span(&message, 1)).front());
  }

 private:
  void write_some();
  void read_some();
  bool take_answer(std::vector<std::string>* answer);

  Child process_;
  ipc::UniqueFd to_perl_;
  ipc::UniqueFd from_perl_;
  std::string unsent_;
  std::size_t sent_ = 0;
  std::string received_;
  std::size_t taken_ = 0;
};

}  // namespace enjoin
