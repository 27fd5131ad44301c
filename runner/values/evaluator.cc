#include "runner/values/evaluator.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "enjoin/error.h"
#include "runner/regex.h"
#include "runner/values/resolver.h"
#include "worker/shell_quote.h"
#include "worker/template_plan.h"

namespace enjoin {
namespace {

constexpr std::string_view kEmpty;

bool mentions(const std::string& code, const char* word) {
  return Regex(fmt::format("\\b{}\\b", word), "a word").search(code, 0);
}

/// Calls `use` for each value that the expression is evaluated for, with a null pointer where there
/// is no such value. Under -N0 there is one, and it is empty.
template <typename Use>
void for_each_value(const Expression& expression, std::span<const std::string_view> values,
                    Use use) {
  if (expression.position != 0) {
    const bool none = values.empty() && (expression.position == 1 || expression.position == -1);
    use(none ? &kEmpty : value_at(values, expression.position));
  } else if (values.empty()) {
    use(&kEmpty);
  } else {
    for (const std::string_view& value : values) use(&value);
  }
}

void append_string(char how, std::string_view text, const Expression& expression,
                   std::string* bytes) {
  if (text.find('\0') != text.npos) {
    throw Error(expression.shown + " gives a NUL byte, which no argument can hold");
  }
  bytes->push_back(how);
  bytes->append(text);
  bytes->push_back('\0');
}

}  // namespace

TemplateSpec Evaluator::adopt(TemplateSpec spec) {
  return resolve_template(std::move(spec), *this);
}

void Evaluator::add_filter(const std::string& code, const TemplateSpec& command) {
  TemplateSpec spec = command;
  spec.words = {code};
  spec.quote_words = false;
  spec.quote_values = false;
  spec.append_if_absent = false;
  spec.spread = Spread::kJoin;
  filters_.push_back(Template::parse(adopt(std::move(spec))));
  filter_texts_.push_back(code);
  needs_total_ |= mentions(code, "total_jobs");
  uses_perl_ = true;
}

TemplateSpec::Placed Evaluator::place(Expression expression, bool needs_total) {
  const bool is_perl = !expression.native;
  for (const Placement& other : expressions_) {
    if (other.expression.shown == expression.shown &&
        other.expression.groups == expression.groups &&
        other.expression.position == expression.position) {
      return other.placed;
    }
  }
  Placement placement{.expression = std::move(expression)};
  const std::string& code = placement.expression.perl;
  if (is_perl && mentions(code, "slot")) placement.slots = workers_;
  needs_total_ |= needs_total || (is_perl && mentions(code, "total_jobs"));
  uses_perl_ |= is_perl;
  placement.placed = {.position = placement.expression.position,
                      .first = next_string_,
                      .first_per_value = next_per_value_,
                      .slots = placement.slots};
  (placement.expression.position == 0 ? next_per_value_ : next_string_) += placement.slots;
  expressions_.push_back(std::move(placement));
  return expressions_.back().placed;
}

void Evaluator::begin() {
  if (!uses_perl_) return;
  perl_.emplace(workers_);
  for (std::size_t i = 0; i < expressions_.size(); ++i) {
    const Expression& expression = expressions_[i].expression;
    if (expression.native) continue;
    PerlMessage message("define");
    message.add(std::uint64_t{i});
    message.add(expression.perl);
    for (const std::string& group : expression.groups) message.add(group);
    const std::vector<std::string> answer = perl_->ask(message);
    if (answer.front() != "ok") {
      throw Error(fmt::format("{}: {}", expression.shown, answer.back()));
    }
  }
}

void Evaluator::evaluate(std::span<Candidate> jobs, std::uint64_t total) {
  if (!is_needed()) return;
  evaluate_all(jobs, total);
  if (!filters_.empty()) filter(jobs, total);
}

void Evaluator::evaluate_all(std::span<Candidate> jobs, std::uint64_t total) {
  const bool asks =
      std::any_of(expressions_.begin(), expressions_.end(),
                  [](const Placement& placement) { return !placement.expression.native; });
  if (asks) {
    ask_perl(jobs, total);
  } else {
    for (Candidate& job : jobs) take_answer({"ok"}, total, &job);
  }
}

void Evaluator::correct_lengths(const TemplateSpec& command, Batcher* batcher) {
  TemplateSpec spec = adopt(command);
  if (spec.placed.empty()) return;
  batcher->correct_lengths([this, spec = std::move(spec)](std::string_view value) {
    return length_beyond(value, spec);
  });
}

std::ptrdiff_t Evaluator::length_beyond(std::string_view value, const TemplateSpec& command) {
  Candidate job;
  job.batch.bytes = std::string(value) + '\0';
  job.batch.values = 1;
  evaluate_all({&job, 1}, 0);
  if (exit_status_) return 0;
  JobStrings strings;
  strings.cut(job.batch.bytes, 1);
  const bool quotes = command.quote_values || command.quote_words;
  const auto length = [quotes](std::string_view text) {
    return static_cast<std::ptrdiff_t>(quotes ? shell_quoted_length(text) : text.size());
  };
  std::ptrdiff_t beyond = 0;
  for (const TemplateSpec::Placed& placed : command.placed) {
    if (placed.kind != TemplateSpec::Placed::Kind::kComputed) continue;
    const std::string_view text = computed_string(placed, strings.inputs(1), {}, 0).substr(1);
    beyond += length(text) - length(value);
  }
  return beyond;
}

PerlMessage Evaluator::job_message(const Candidate& job, std::uint64_t total) const {
  JobStrings strings;
  strings.cut(job.batch.bytes, job.batch.values);
  const auto values = strings.inputs(job.batch.columns).values;
  PerlMessage message("job");
  message.add(job.batch.seq);
  message.add(total);
  message.add(std::uint64_t{values.size()});
  for (const std::string_view value : values) message.add(value);
  for (std::size_t i = 0; i < expressions_.size(); ++i) {
    const Placement& placement = expressions_[i];
    if (placement.expression.native) continue;
    for_each_value(placement.expression, values, [&](const std::string_view* value) {
      if (value == nullptr) return;
      for (std::uint32_t slot = 1; slot <= placement.slots; ++slot) {
        message.add(std::uint64_t{i});
        message.add(std::uint64_t{slot});
        message.add(*value);
      }
    });
  }
  return message;
}

void Evaluator::ask_perl(std::span<Candidate> jobs, std::uint64_t total) {
  std::vector<PerlMessage> messages;
  messages.reserve(jobs.size());
  for (const Candidate& job : jobs) messages.push_back(job_message(job, total));
  const auto answers = perl_->ask(messages);
  for (std::size_t i = 0; i < jobs.size(); ++i) take_answer(answers[i], total, &jobs[i]);
}

// Whether perl says that an expression has called exit. It evaluates nothing more then.
bool Evaluator::has_left(const std::vector<std::string>& answer) {
  if (answer.front() != "exit") return false;
  exit_status_ = std::atoi(answer.back().c_str());
  return true;
}

// Appends the job's strings: perl's from its answer, the native ones made here.
void Evaluator::take_answer(const std::vector<std::string>& answer, std::uint64_t total,
                            Candidate* job) {
  if (answer.front() == "error") {
    throw Error(fmt::format("job {}: {}", job->batch.seq, answer.back()));
  }
  if (has_left(answer)) {
    job->skip = true;
    return;
  }
  job->skip |= answer.front() == "skip";
  const std::string own = std::move(job->batch.bytes);
  std::string computed;
  strings_.cut(own, job->batch.values);
  const auto values = strings_.inputs(job->batch.columns).values;
  std::size_t next = 1;
  for (const Placement& placement : expressions_) {
    const Expression& expression = placement.expression;
    for_each_value(expression, values, [&](const std::string_view* value) {
      for (std::uint32_t slot = 0; slot < placement.slots; ++slot) {
        if (value == nullptr) {
          append_string(kComputedNothing, {}, expression, &computed);
        } else if (expression.native) {
          ValueContext context{
              .value = *value, .values = values, .seq = job->batch.seq, .total = total};
          std::string result;
          expression.native(context, &result);
          job->skip |= context.skip;
          append_string(kComputedQuoted, result, expression, &computed);
        } else {
          if (next >= answer.size() || answer[next].empty()) {
            throw Error("perl gave an answer that makes no sense");
          }
          const std::string_view string = answer[next++];
          append_string(string.front(), string.substr(1), expression, &computed);
        }
      }
    });
  }
  job->batch.bytes = own + computed;
}

void Evaluator::filter(std::span<Candidate> jobs, std::uint64_t total) {
  for (std::size_t f = 0; f < filters_.size(); ++f) {
    std::vector<PerlMessage> messages;
    std::vector<Candidate*> asked;
    std::string code;
    for (Candidate& job : jobs) {
      if (job.skip) continue;
      strings_.cut(job.batch.bytes, job.batch.values);
      const JobInputs inputs = strings_.inputs(job.batch.columns);
      filters_[f].expand_line(inputs, {job.batch.seq, 1}, &code);
      PerlMessage message("test");
      message.add(job.batch.seq);
      message.add(total);
      message.add(std::uint64_t{inputs.values.size()});
      for (const std::string_view value : inputs.values) message.add(value);
      message.add(code);
      messages.push_back(std::move(message));
      asked.push_back(&job);
    }
    const auto answers = perl_->ask(messages);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const std::vector<std::string>& answer = answers[i];
      if (answer.front() == "error") {
        throw Error(
            fmt::format("--filter '{}' for job {}: {}; values stand in it as they are, so"
                        " text needs quotes: \"{{}}\"",
                        filter_texts_[f], asked[i]->batch.seq, answer.back()));
      }
      asked[i]->skip |= has_left(answer) || answer.front() == "skip" || answer.back().empty();
    }
  }
}

}  // namespace enjoin
