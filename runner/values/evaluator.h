#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runner/input/batcher.h"
#include "runner/values/perl_helper.h"
#include "runner/values/plus_forms.h"
#include "worker/job_strings.h"
#include "worker/template.h"

namespace enjoin {

/// An expression whose value is put into templates: what a job's inputs alone do not say.
struct Expression {
  std::string shown;      ///< as it was written, for messages; with the position it says all
  std::string perl = {};  ///< its code, where `native` is none
  std::vector<std::string> groups = {};  ///< of --rpl: $$1 and so on in the code
  NativeExpression native = {};
  std::int32_t position = 0;  ///< of the value; 0: it is evaluated for each
};

/// Evaluates the expressions of all templates of a run for its jobs, and appends the results to
/// their inputs, where workers find them (TemplateSpec::Placed). Starts perl where one needs it.
///
/// First adopt() is called for each template, then begin(); then evaluate() for the jobs, in the
/// order of their numbers.
class Evaluator {
 public:
  explicit Evaluator(std::uint32_t workers) : workers_(workers) {}

  /// Finds what must be computed in the template and marks its places. Adopting an equal template
  /// again computes nothing more. Throws Error where an expression has no end or is not valid.
  TemplateSpec adopt(TemplateSpec spec);
  /// --filter: Perl code with replacement strings of `command`; jobs for which it is false are
  /// skipped.
  void add_filter(const std::string& code, const TemplateSpec& command);
  /// For adopt(): where the strings of an expression will be.
  TemplateSpec::Placed place(Expression expression, bool needs_total);

  std::uint32_t workers() const { return workers_; }

  /// Compiles the expressions. Throws Error where Perl is missing or refuses one.
  void begin();

  /// False: jobs need no evaluate().
  bool is_needed() const { return !expressions_.empty() || !filters_.empty(); }
  /// Expressions show how many jobs there are: all inputs must be read before the first.
  bool needs_total() const { return needs_total_; }

  /// One job: its number in `batch.seq`.
  struct Candidate {
    Batch batch;
    bool skip = false;  ///< set by evaluate(): it is not to be run, and keeps its number
  };
  /// Where an expression calls Perl's exit, its job and all that follow are skipped, now and later.
  /// Throws Error where an expression fails. `total` is the number of all jobs, where needed.
  void evaluate(std::span<Candidate> jobs, std::uint64_t total);

  /// What an expression called exit with. Nothing is set before.
  std::optional<int> exit_status() const { return exit_status_; }

  /// How much longer the values computed of `value` are in a line of `command` (adopted) than the
  /// value itself would be there. For Batcher::correct_lengths.
  std::ptrdiff_t length_beyond(std::string_view value, const TemplateSpec& command);
  /// Has `batcher` reckon with that for `command` (not adopted).
  void correct_lengths(const TemplateSpec& command, Batcher* batcher);

 private:
  struct Placement {
    Expression expression;
    std::uint32_t slots = 1;
    TemplateSpec::Placed placed = {};
  };
  PerlMessage job_message(const Candidate& job, std::uint64_t total) const;
  void take_answer(const std::vector<std::string>& answer, std::uint64_t total, Candidate* job);
  bool has_left(const std::vector<std::string>& answer);
  void evaluate_all(std::span<Candidate> jobs, std::uint64_t total);
  void ask_perl(std::span<Candidate> jobs, std::uint64_t total);
  void filter(std::span<Candidate> jobs, std::uint64_t total);

  const std::uint32_t workers_;
  std::vector<Placement> expressions_;
  std::vector<Template> filters_;
  std::vector<std::string> filter_texts_;
  std::optional<PerlHelper> perl_;
  std::optional<int> exit_status_;
  bool uses_perl_ = false;
  bool needs_total_ = false;
  std::uint32_t next_string_ = 0;
  std::uint32_t next_per_value_ = 0;
  JobStrings strings_;
};

}  // namespace enjoin
