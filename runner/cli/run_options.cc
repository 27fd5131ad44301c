#include "runner/cli/run_options.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "runner/cli/option_draft.h"
#include "runner/near_word.h"

namespace enjoin {
namespace {

/// Cuts the words behind a command into options and operands.
class CommandWords {
 public:
  CommandWords(std::string_view command, std::span<const Flag> flags,
               const std::vector<std::string>& words)
      : command_(command), flags_(flags), words_(words) {}

  /// Operands come as CommandLine::command.
  CommandLine cut() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      if (word.size() < 2 || word[0] != '-') {
        line_.command.push_back(word);
      } else if (word == "--") {
        line_.command.insert(line_.command.end(), words_.begin() + static_cast<std::ptrdiff_t>(at_),
                             words_.end());
        break;
      } else if (word[1] == '-') {
        take_long(word);
      } else {
        take_letters(word);
      }
    }
    return std::move(line_);
  }

 private:
  void take_long(const std::string& word) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const Flag& flag = named(std::string_view(word).substr(2, equals - 2));
    std::optional<std::string> value;
    if (equals < word.size()) value = word.substr(equals + 1);
    if (value && flag.argument == Flag::Argument::kNone)
      throw UsageError(
          fmt::format("{} takes no value, but '{}' is given", flag.spelling(), *value));
    add(flag, flag.spelling(), std::move(value));
  }

  void take_letters(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const Flag& flag = lettered(word[i], word);
      const std::string given{'-', word[i]};
      if (flag.argument != Flag::Argument::kRequired) {
        add(flag, given, std::nullopt);
        continue;
      }
      std::optional<std::string> value;
      if (i + 1 < word.size()) value = word.substr(i + 1);
      return add(flag, given, std::move(value));
    }
  }

  void add(const Flag& flag, const std::string& given, std::optional<std::string> value) {
    if (!value && flag.argument == Flag::Argument::kRequired) {
      if (at_ >= words_.size())
        throw UsageError(fmt::format("{} needs a value: {} {}", given, given, flag.metavar));
      value = words_[at_++];
    }
    line_.options.push_back({&flag, value.value_or(""), value.has_value(), 0});
  }

  /// By its name, or an unambiguous beginning of it.
  const Flag& named(std::string_view name) const {
    std::vector<const Flag*> matches;
    std::vector<std::string_view> known;
    for (const Flag& flag : flags_) {
      bool begins = false;
      bool is_it = false;
      for_each_name(flag, [&](std::string_view own) {
        known.push_back(own);
        begins = begins || own.starts_with(name);
        is_it = is_it || own == name;
      });
      if (is_it) return flag;
      if (begins) matches.push_back(&flag);
    }
    if (matches.size() == 1 && !name.empty()) return *matches.front();
    if (matches.size() > 1)
      throw UsageError(fmt::format("--{} may be {} or {}: write more of it", name,
                                   matches[0]->spelling(), matches[1]->spelling()));
    const std::string_view near = near_word(name, known);
    throw UsageError(near.empty()
                         ? fmt::format("unknown option --{0}; enjoin {1} --help lists "
                                       "the options of {1}",
                                       name, command_)
                         : fmt::format("unknown option --{}; did you mean --{}?", name, near));
  }

  const Flag& lettered(char letter, const std::string& word) const {
    for (const Flag& flag : flags_)
      if (flag.letters.find(letter) != std::string_view::npos) return flag;
    if (letter == 'n') throw UsageError("unknown option -n; did you mean --dry-run?");
    throw UsageError(fmt::format("unknown option -{}{}; enjoin {} --help lists the options of it",
                                 letter, word.size() > 2 ? " in " + word : "", command_));
  }

  std::string_view command_;
  std::span<const Flag> flags_;
  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  CommandLine line_;
};

void set_variable(RunOptions& run, const std::string& value) {
  const std::size_t equals = value.find('=');
  if (equals == std::string::npos || equals == 0)
    throw_malformed("--set", value, "the name of a variable and its value: NAME=VALUE");
  run.set.push_back(value);
}

void set_graph(RunOptions& run, const std::string& value) {
  if (value.empty() || value == "dot") {
    run.show = RunOptions::Show::kGraphDot;
  } else if (value == "text") {
    run.show = RunOptions::Show::kGraphText;
  } else {
    throw_malformed("--graph", value, "dot or text");
  }
}

using OwnSetter = void (*)(RunOptions&, Draft&, const std::string&);
using Value = const std::string&;

const std::map<std::string_view, OwnSetter>& own_setters() {
  static const std::map<std::string_view, OwnSetter> setters = {
      {"file",
       [](RunOptions& run, Draft&, Value v) {
         check_given("--file", v, "a pipeline file");
         run.pipeline = v;
       }},
      {"only", [](RunOptions& run, Draft&, Value v) { run.only.push_back(v); }},
      {"from", [](RunOptions& run, Draft&, Value v) { run.from.push_back(v); }},
      {"set", [](RunOptions& run, Draft&, Value v) { set_variable(run, v); }},
      {"keep-going", [](RunOptions& run, Draft&, Value) { run.keep_going = true; }},
      {"db",
       [](RunOptions& run, Draft&, Value v) {
         check_given("--db", v, "a file");
         run.database = v;
         run.record = true;
       }},
      {"no-db", [](RunOptions& run, Draft&, Value) { run.record = false; }},
      {"rerun-on", [](RunOptions& run, Draft&, Value v) { run.rerun_on = v; }},
      {"accept-changes", [](RunOptions& run, Draft&, Value) { run.accept_changes = true; }},
      {"events",
       [](RunOptions& run, Draft&, Value v) {
         check_given("--events", v, "a file, or - for stdout");
         run.events = v;
       }},
      {"dry-run", [](RunOptions& run, Draft&, Value) { run.show = RunOptions::Show::kCommands; }},
      {"graph", [](RunOptions& run, Draft&, Value v) { set_graph(run, v); }},
      {"list", [](RunOptions& run, Draft&, Value) { run.show = RunOptions::Show::kList; }},
  };
  return setters;
}

bool was_given(const CommandLine& line, std::string_view key) {
  return std::any_of(line.options.begin(), line.options.end(),
                     [&](const OptionToken& token) { return token.flag->key() == key; });
}

/// `build.jsonl` and `-` are graphs; any other word is a stage.
void take_operands(const CommandLine& line, RunOptions& run) {
  for (const std::string& word : line.command) {
    if (word != "-" && !word.ends_with(".jsonl")) {
      run.stages.push_back(word);
    } else if (!run.graph.empty()) {
      throw UsageError(fmt::format("one graph is run at a time: {} or {}", run.graph, word));
    } else {
      run.graph = word;
    }
  }
  if (run.graph.empty()) return;
  for (const std::string_view key : {"file", "only", "from", "set", "graph", "list"}) {
    if (was_given(line, key))
      throw UsageError(fmt::format("--{} is about pipeline files, and {} is none", key, run.graph));
  }
  if (!run.stages.empty())
    throw UsageError(
        fmt::format("{} is no stage of {}, which has none", run.stages.front(), run.graph));
}

void read_run(const CommandLine& line, RunOptions& run) {
  Draft draft;
  for (const OptionToken& token : line.options) {
    const auto own = own_setters().find(token.flag->key());
    if (own != own_setters().end()) {
      own->second(run, draft, token.value);
    } else {
      setter_of(token.flag->key()).set(draft, token.value);
    }
  }
  refuse_both(was_given(line, "db"), was_given(line, "no-db"), "--db and --no-db");
  finish_output(line, draft);
  run.batch = std::move(draft.options);
  take_operands(line, run);
}

void read_report(const CommandLine& line, ReportOptions& report) {
  if (!line.command.empty())
    throw UsageError(fmt::format("report takes no operands, but '{}' is given", line.command[0]));
  for (const OptionToken& token : line.options) {
    const std::string_view key = token.flag->key();
    if (key == "db") {
      check_given("--db", token.value, "a file");
      report.database = token.value;
    } else if (key == "run") {
      report.run = to_count(token.value, "--run", 1, 1'000'000'000);
    } else if (key == "junit") {
      check_given("--junit", token.value, "a file, or - for stdout");
      report.junit = token.value;
    } else if (key == "flaky") {
      report.flaky = true;
    } else if (key == "json") {
      report.json = true;
    }
  }
}

}  // namespace

bool is_command(std::string_view word) {
  return word == "run" || word == "resume" || word == "report";
}

CommandRequest parse_command(std::string_view command, const std::vector<std::string>& words) {
  // Whoever writes `enjoin run ::: a` means a program.
  if (std::any_of(words.begin(), words.end(),
                  [](const std::string& word) { return word == ":::" || word == "::::"; }))
    throw_reserved(command);
  try {
    const bool reports = command == "report";
    const CommandLine line =
        CommandWords(command, reports ? report_flags() : run_flags(), words).cut();
    CommandRequest request;
    if (was_given(line, "help")) {
      request.text = command_help(command);
      return request;
    }
    if (reports) {
      request.action = CommandRequest::Action::kReport;
      read_report(line, request.report);
      return request;
    }
    request.action =
        command == "run" ? CommandRequest::Action::kRun : CommandRequest::Action::kResume;
    read_run(line, request.run);
    request.run.words = words;
    return request;
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace enjoin
