#include "runner/cli/options.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/program_options/variables_map.hpp>
#include <fmt/format.h>

#include "runner/cli/escapes.h"
#include "runner/cli/flag_table.h"
#include "runner/cli/help.h"
#include "runner/cli/tokenizer.h"

// The way of a command line: the tokenizer finds our options and cuts the rest into command and
// inputs; Program_options stores the values under their names and calls the setter of each
// (kSetters); the setters check the values and note them; finish() decides what they mean together.

namespace enjoin {
namespace {

namespace po = boost::program_options;

constexpr std::uint32_t kMostRecords = 1'000'000'000;
constexpr std::uint32_t kMostRetries = 1'000'000'000;

/// What the options said, before they are taken together.
struct Draft {
  Options options;
  std::vector<std::string> arg_files;
  bool null = false;
  std::optional<std::string> delimiter;
  std::optional<std::uint32_t> max_args;
  std::optional<std::uint32_t> max_replace_args;
  bool repeat_context = false;  // -X
  bool multiple = false;        // -m
  bool xargs = false;
  bool group = false;
  bool ungroup = false;
  bool line_buffer = false;
  bool no_keep_order = false;
  bool command_to_stdout = false;  // -v
  bool command_to_stderr = false;  // -t
  bool silent = false;
  bool progress = false;
  bool eta = false;
  bool bar = false;
  std::optional<Invocation> instead;  // --help and the like
};

[[noreturn]] void throw_malformed(std::string_view option, std::string_view value,
                                  std::string_view forms) {
  throw UsageError(fmt::format("{} '{}': expected {}", option, value, forms));
}

std::uint32_t to_count(const std::string& value, std::string_view option, std::uint32_t least,
                       std::uint32_t most) {
  return static_cast<std::uint32_t>(parse_count(value, option, least, most));
}

void show(Draft& draft, std::string text) {
  draft.instead.emplace();
  draft.instead->action = Invocation::Action::kShow;
  draft.instead->text = std::move(text);
}

void set_help(Draft& draft, const std::string& value) {
  if (!value.empty() && value != "all") throw_malformed("--help", value, "--help or --help=all");
  show(draft, value.empty() ? short_help() : full_help());
}

void set_version(Draft& draft, const std::string& value) {
  if (!value.empty() && value != "all")
    throw_malformed("--version", value, "--version or --version=all");
  show(draft, version_line());
  if (value == "all") draft.instead->action = Invocation::Action::kShowVersionAll;
}

void set_nice(Draft& draft, const std::string& value) {
  int nice = 0;
  const char* const end = value.data() + value.size();
  const char* const begin = value.data() + (value.starts_with('+') ? 1 : 0);
  const auto [stopped, error] = std::from_chars(begin, end, nice);
  if (error != std::errc{} || stopped != end || nice < -20 || nice > 19)
    throw_malformed("--nice", value, "a whole number from -20 to 19");
  draft.options.nice = nice;
}

void set_worker_loss(Draft& draft, const std::string& value) {
  if (value != "fail" && value != "requeue")
    throw_malformed("--worker-loss", value, "fail or requeue");
  draft.options.worker_loss = value == "fail" ? WorkerLoss::kFail : WorkerLoss::kRequeue;
}

void set_leftovers(Draft& draft, const std::string& value) {
  constexpr std::pair<std::string_view, Leftovers> kWords[] = {{"keep", Leftovers::kKeep},
                                                               {"report", Leftovers::kReport},
                                                               {"kill", Leftovers::kKill},
                                                               {"fail", Leftovers::kFail}};
  for (const auto& [word, policy] : kWords) {
    if (value != word) continue;
    draft.options.leftovers = policy;
    return;
  }
  throw_malformed("--leftovers", value, "keep, report, kill or fail");
}

void set_jobs(Draft& draft, const std::string& value) {
  if (value.empty()) throw_malformed("-j", value, "N, N%, +N, -N, 0 or a file that holds one");
  parse_jobs(value, 1, 1);  // for its checks: the numbers are the program's to know
  draft.options.jobs_text = value;
}

void set_replace_string(Draft& draft, const std::string& value) {
  if (value.empty()) throw_malformed("-I", value, "the text to replace, such as -I @@");
  draft.options.command.replace_string = value;
}

void set_delimiter(Draft& draft, const std::string& value) {
  if (value.empty())
    throw_malformed("-d", value, "a delimiter such as , or \\n (for NUL bytes: -0)");
  draft.delimiter = resolve_escapes(value, "-d");
}

/// A tag knows two escapes, as under GNU parallel.
void set_tagstring(Draft& draft, const std::string& value) {
  if (value.empty()) return;
  std::string tag = value;
  for (const auto& [escape, byte] : {std::pair("\\t", '\t'), std::pair("\\n", '\n')}) {
    for (std::size_t at = 0; (at = tag.find(escape, at)) != std::string::npos; ++at)
      tag.replace(at, 2, 1, byte);
  }
  draft.options.tag_string = tag;
}

struct Setter {
  std::string_view key;
  void (*set)(Draft&, const std::string& value);
};

using Value = const std::string&;
constexpr Setter kSetters[] = {
    {"arg-file", [](Draft& d, Value v) { d.arg_files.push_back(v); }},
    {"null", [](Draft& d, Value) { d.null = true; }},
    {"delimiter", set_delimiter},
    {"no-run-if-empty", [](Draft& d, Value) { d.options.input.no_run_if_empty = true; }},
    {"I", set_replace_string},
    {"max-args", [](Draft& d, Value v) { d.max_args = to_count(v, "-n", 0, kMostRecords); }},
    {"max-replace-args",
     [](Draft& d, Value v) { d.max_replace_args = to_count(v, "-N", 0, kMostRecords); }},
    {"X", [](Draft& d, Value) { d.repeat_context = true; }},
    {"m", [](Draft& d, Value) { d.multiple = true; }},
    {"xargs", [](Draft& d, Value) { d.xargs = true; }},
    {"quote", [](Draft& d, Value) { d.options.command.quote_words = true; }},
    {"dry-run", [](Draft& d, Value) { d.options.dry_run = true; }},
    {"jobs", set_jobs},
    {"delay", [](Draft& d, Value v) { d.options.delay = parse_duration(v, "--delay"); }},
    {"timeout", [](Draft& d, Value v) { d.options.timeout = parse_timeout(v); }},
    {"retries",
     [](Draft& d, Value v) { d.options.retries = to_count(v, "--retries", 0, kMostRetries); }},
    {"halt", [](Draft& d, Value v) { d.options.halt = parse_halt(v); }},
    {"nice", set_nice},
    {"rlimit", [](Draft& d, Value v) { d.options.limits = parse_limits(v); }},
    {"worker-loss", set_worker_loss},
    {"leftovers", set_leftovers},
    {"group", [](Draft& d, Value) { d.group = true; }},
    {"keep-order", [](Draft& d, Value) { d.options.keep_order = true; }},
    {"no-keep-order", [](Draft& d, Value) { d.no_keep_order = true; }},
    {"ungroup", [](Draft& d, Value) { d.ungroup = true; }},
    {"line-buffer", [](Draft& d, Value) { d.line_buffer = true; }},
    {"tag", [](Draft& d, Value) { d.options.tag = true; }},
    {"tagstring", set_tagstring},
    {"max-output",
     [](Draft& d, Value v) { d.options.max_output_bytes = parse_size(v, "--max-output"); }},
    {"v", [](Draft& d, Value) { d.command_to_stdout = true; }},
    {"verbose", [](Draft& d, Value) { d.command_to_stderr = true; }},
    {"silent", [](Draft& d, Value) { d.silent = true; }},
    {"joblog", [](Draft& d, Value v) { d.options.joblog_path = v; }},
    {"bar", [](Draft& d, Value) { d.bar = true; }},
    {"eta", [](Draft& d, Value) { d.eta = true; }},
    {"progress", [](Draft& d, Value) { d.progress = true; }},
    {"quiet", [](Draft& d, Value) { d.options.quiet = true; }},
    {"help", set_help},
    {"version", set_version},
    {"will-cite", [](Draft&, Value) {}},
    {"citation",
     [](Draft& d, Value) { show(d, "enjoin asks for no citation: there is nothing to do.\n"); }},
    {"gnu", [](Draft&, Value) {}},
    {"plain", [](Draft&, Value) {}},
};

/// Each option's value goes to its setter; a value's last occurrence counts, but all of -a do.
po::options_description describe(Draft& draft) {
  po::options_description description;
  for (const Setter& setter : kSetters) {
    auto* const values = po::value<std::vector<std::string>>()->composing()->notifier(
        [&draft, &setter](const std::vector<std::string>& given) {
          if (setter.key == "arg-file") {
            for (const std::string& value : given) setter.set(draft, value);
          } else {
            setter.set(draft, given.back());
          }
        });
    description.add_options()(std::string(setter.key).c_str(), values);
  }
  return description;
}

/// The tokens go in as parsed options, not as `--name=value` text: Program_options refuses a text
/// with an empty value.
void read_options(const std::vector<OptionToken>& tokens, Draft& draft) {
  const po::options_description description = describe(draft);
  po::parsed_options parsed(&description);
  for (const OptionToken& token : tokens)
    parsed.options.emplace_back(std::string(token.flag->key()),
                                std::vector<std::string>{token.value});
  po::variables_map values;
  po::store(parsed, values);
  po::notify(values);
}

void refuse_both(bool first, bool second, std::string_view names) {
  if (first && second) throw UsageError(fmt::format("{} exclude each other", names));
}

void finish_output(Draft& draft) {
  refuse_both(draft.group, draft.ungroup, "--group and --ungroup");
  refuse_both(draft.group, draft.line_buffer, "--group and --line-buffer");
  refuse_both(draft.ungroup, draft.line_buffer, "--ungroup and --line-buffer");
  Options& options = draft.options;
  if (draft.line_buffer) options.output = OutputMode::kLineBuffer;
  if (options.tag_string) options.tag = true;
  if (draft.no_keep_order) options.keep_order = false;
  if (draft.ungroup) {
    options.output = OutputMode::kUngroup;
    options.keep_order = false;
    options.tag = false;
    options.tag_string.reset();
  }
  if (draft.command_to_stdout) options.verbose = Verbose::kToStdout;
  if (draft.command_to_stderr) options.verbose = Verbose::kToStderr;
  if (draft.silent) options.verbose = Verbose::kNo;
  if (draft.progress) options.progress = ProgressKind::kProgress;
  if (draft.eta) options.progress = ProgressKind::kEta;
  if (draft.bar) options.progress = ProgressKind::kBar;
}

/// -n, -N, -X, -m, --xargs, as GNU parallel combines them: -N counts before -n; -N repeats the
/// context, also with -m; -n alone does not.
void finish_batch(Draft& draft) {
  Options& options = draft.options;
  const bool fills = draft.repeat_context || draft.multiple || draft.xargs;
  const std::optional<std::uint32_t> size =
      draft.max_replace_args ? draft.max_replace_args : draft.max_args;
  if (draft.repeat_context || draft.max_replace_args) options.command.spread = Spread::kContext;
  if (size == 0U) {
    options.batch.count_only = true;
    return;
  }
  options.batch.max_records = size.value_or(fills ? 0 : 1);
  options.batch.exact = draft.max_replace_args.has_value();
  options.spread_batches = fills && !draft.xargs && !size;
}

/// The pieces of `text` between delimiters.
void split_onto(const std::string& text, const std::string& delimiter,
                std::vector<std::string>* pieces) {
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find(delimiter, begin)) != std::string::npos;) {
    pieces->push_back(text.substr(begin, end - begin));
    begin = end + delimiter.size();
  }
  pieces->push_back(text.substr(begin));
}

SourceSpec file_source(const std::string& path, std::string_view option) {
  if (path.empty()) throw UsageError(fmt::format("{} '': the name of a file is empty", option));
  return {SourceSpec::Kind::kFile, {}, path};
}

void add_source(const SourceWords& words, const Draft& draft, std::vector<SourceSpec>* sources) {
  if (words.kind == SourceWords::Kind::kFiles) {
    for (const std::string& path : words.words) sources->push_back(file_source(path, "::::"));
    return;
  }
  SourceSpec source;
  for (const std::string& word : words.words) {
    if (draft.delimiter) {
      split_onto(word, *draft.delimiter, &source.arguments);
    } else {
      source.arguments.push_back(word);
    }
  }
  sources->push_back(std::move(source));
}

bool is_empty(const SourceSpec& source) {
  return source.kind == SourceSpec::Kind::kArguments && source.arguments.empty();
}

/// `gzip :::` has nothing to do, as when a shell's pattern matched no file. Beside other sources an
/// empty `:::` stands for one empty value, as under GNU parallel.
void finish_sources(const CommandLine& line, Draft& draft, bool as_parallel) {
  std::vector<SourceSpec>& sources = draft.options.input.sources;
  for (const std::string& path : draft.arg_files) sources.push_back(file_source(path, "-a"));
  for (const SourceWords& words : line.sources) add_source(words, draft, &sources);
  if (sources.empty() && !line.sources.empty()) sources.emplace_back();
  if (!std::all_of(sources.begin(), sources.end(), is_empty)) {
    for (SourceSpec& source : sources)
      if (is_empty(source)) source.arguments.emplace_back();
  } else if (!sources.empty()) {
    if (line.command.empty() && !draft.options.input.no_run_if_empty && !as_parallel)
      throw UsageError(
          "::: has neither a command before it nor anything after it; write enjoin "
          "COMMAND ::: INPUT..., or enjoin ::: 'COMMAND LINE'... (-r allows none)");
    sources.resize(1);
  }
}

Invocation finish(const CommandLine& line, Draft& draft, bool as_parallel) {
  if (draft.instead) return std::move(*draft.instead);
  finish_output(draft);
  finish_batch(draft);
  Options& options = draft.options;
  options.command.words = line.command;
  if (draft.null) options.input.delimiter = std::string(1, '\0');
  if (draft.delimiter) options.input.delimiter = *draft.delimiter;
  finish_sources(line, draft, as_parallel);
  Invocation invocation;
  invocation.options = std::move(options);
  return invocation;
}

}  // namespace

Invocation parse_command_line(const std::string& program, const std::vector<std::string>& args) {
  const CommandLine line = tokenize(program, args);
  try {
    Draft draft;
    read_options(line.options, draft);
    return finish(line, draft, program == "parallel");
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    throw UsageError(error.what());
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace enjoin
