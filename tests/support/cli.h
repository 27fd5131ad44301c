#pragma once

// Runs the built program as a person would: in a folder of its own, from a shell or straight.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "ipc/unique_fd.h"

namespace enjoin::test {

/// What a program left behind. `status` is 128 + n where signal n ended it.
struct Ran {
  std::string out;
  std::string err;
  int status = 0;

  bool says(std::string_view text) const { return err.find(text) != std::string::npos; }
};

struct RunOptions {
  std::string input = {};                     ///< the text of stdin
  std::vector<std::string> environment = {};  ///< "NAME=value", beside or instead of the usual
  /// In the forked child, once all is as the program will find it: system calls only.
  std::function<void()> before_exec = {};
};

/// A named pipe that jobs write to, to tell the test how far they are; or read from, to wait for
/// it.
class Fifo {
 public:
  explicit Fifo(std::string path);
  /// Waits for a line and takes it, without its end. Throws where none comes for a minute.
  std::string wait_line();
  std::optional<std::string> try_line();  ///< the next one, if it is there
  void write(std::string_view text);
  /// Whether it holds all that it can: whoever writes on is blocked.
  bool is_full() const;
  void wait_full() const;
  /// Ends what its readers read, once there is no other writer.
  void close() { fd_.reset(); }

 private:
  std::string path_;
  ipc::UniqueFd fd_;
  std::string pending_;
};

/// A program that runs while the test goes on. It leads a session of its own, without a terminal,
/// and starts with all signals at their defaults. What still runs at destruction is killed.
class Running {
 public:
  Running(Running&& other) noexcept;
  Running& operator=(Running&&) = delete;
  ~Running();

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool has_ended() const;
  /// What it has written to stderr so far, from byte `from` on.
  std::string err_so_far(std::size_t from = 0) const;
  void wait_stopped() const;
  Ran wait();

 private:
  friend class Sandbox;
  Running() = default;

  pid_t pid_ = -1;
  ipc::UniqueFd out_;
  ipc::UniqueFd err_;
};

/// A fresh folder in which programs run, removed with all that it holds at the end. Below it lie
/// `work` (where programs run), `tmp` ($TMPDIR), `home` ($HOME) and `bin`, first in $PATH, which
/// holds the built program under the names `enjoin` and `parallel`.
class Sandbox {
 public:
  /// Who answers to the name `parallel`.
  enum class Parallel { kEnjoin, kGnu };

  explicit Sandbox(Parallel parallel = Parallel::kEnjoin);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  Ran enjoin(const std::vector<std::string>& arguments, const RunOptions& options = {}) const;
  /// A bash script; `enjoin` and `parallel` are at hand.
  Ran shell(const std::string& script, const RunOptions& options = {}) const;
  Running start(const std::vector<std::string>& arguments, const RunOptions& options = {}) const;
  Running start_shell(const std::string& script, const RunOptions& options = {}) const;

  std::string path(std::string_view name) const;  ///< of a file in `work`
  void write(std::string_view name, std::string_view text) const;
  std::string read(std::string_view name) const;  ///< "" where there is none
  bool has(std::string_view name) const;
  Fifo fifo(std::string_view name) const;
  /// Names that programs left in $TMPDIR.
  std::vector<std::string> left_in_tmp() const;

 private:
  Running launch(const std::string& program, std::vector<std::string> words,
                 const RunOptions& options) const;

  std::string folder_;
};

/// Tells whether GNU parallel is there to compare with. Where it is not, says so loudly.
bool have_gnu_parallel();

/// Waits until process `pid` is gone or is a zombie. Throws where it outlives a minute.
void wait_gone(pid_t pid);

/// The lines of a text, without their ends.
std::vector<std::string> lines_of(const std::string& text);
/// The same, sorted, joined again: for output whose order is free.
std::string sorted_lines(const std::string& text);

}  // namespace enjoin::test
