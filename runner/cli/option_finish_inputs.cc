#include <algorithm>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "runner/cli/option_draft.h"
#include "runner/pipe/job_feed.h"
#include "worker/template.h"

// What the options about inputs mean together.

namespace enjoin {
namespace {

/// -n, -N, -L, -l, -s, -X, -m, --xargs, as GNU parallel combines them: -N counts before -n, and
/// both before -L; -N and -L repeat the context; -n and -l do not.
void finish_batch(Draft& draft) {
  Options& options = draft.options;
  const bool joins = draft.multiple || draft.xargs;
  const bool fills = draft.repeat_context || joins;  // -s alone fills nothing
  const std::optional<std::uint32_t> size =
      draft.max_replace_args ? draft.max_replace_args : draft.max_args;
  if (draft.repeat_context || draft.max_replace_args || (!joins && draft.lines_repeat_context))
    options.command.spread = Spread::kContext;
  if (size == 0U || draft.max_lines == 0U) {
    options.batch.count_only = true;
    return;
  }
  options.batch.max_lines = draft.max_lines.value_or(0);
  options.input.continue_lines = draft.max_lines.has_value();
  options.batch.max_records = size.value_or(fills || draft.max_lines ? 0 : 1);
  options.batch.exact = draft.max_replace_args.has_value();
  options.spread_batches = fills && !draft.xargs;
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

bool exists(const std::string& path) {
  return path == "-" || ::access(path.c_str(), F_OK) == 0;
}

/// "+FILE" is FILE, linked to the source before it, where there is no file of that very name.
void add_file(const std::string& path, bool linked, std::string_view option,
              std::vector<SourceSpec>* sources) {
  if (path.empty()) throw UsageError(fmt::format("{} '': the name of a file is empty", option));
  SourceSpec source;
  source.kind = SourceSpec::Kind::kFile;
  source.path = path;
  if (path[0] == '+' && exists(path.substr(1))) {
    if (exists(path))
      throw UsageError(
          fmt::format("{0} {1}: it may be the file ./{1}, or a link of the file {2}; "
                      "write ./{1} or +./{2}",
                      option, path, path.substr(1)));
    source.path = path.substr(1);
    linked = true;
  }
  source.linked = linked && !sources->empty();
  sources->push_back(std::move(source));
}

void add_source(const SourceWords& words, const Draft& draft, std::vector<SourceSpec>* sources) {
  if (words.kind == SourceWords::Kind::kFiles) {
    for (const std::string& path : words.words) add_file(path, words.linked, "::::", sources);
    return;
  }
  const bool linked = words.linked && !sources->empty();
  SourceSpec source;
  source.linked = linked;
  for (const std::string& word : words.words) {
    if (draft.delimiter && *draft.delimiter != std::string(1, '\0')) {
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
  for (const std::string& path : draft.arg_files) add_file(path, false, "-a", &sources);
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

/// -0 and -d: the later one counts.
void finish_delimiter(const CommandLine& line, Draft& draft) {
  for (const OptionToken& token : line.options) {
    if (token.flag->key() == "null") draft.options.input.delimiter = std::string(1, '\0');
    if (token.flag->key() == "delimiter") draft.options.input.delimiter = *draft.delimiter;
  }
}

// Whether the command is another one for another input. {#} and {%} are the same for any.
bool depends_on_input(const Options& options) {
  const Template command = Template::parse(command_spec(options));
  const auto line_for = [&](std::string_view value) {
    std::string line;
    command.expand_line({.values = {&value, 1}}, {}, &line);
    return line;
  };
  return line_for("a/b.c") != line_for("d/e.f");
}

}  // namespace

void finish_later_stage(const CommandLine& line, Options* options) {
  if (options->pipe.mode == PipeSpec::Mode::kPipe && options->input.sources.empty())
    throw UsageError(
        "--pipe after --then: a later stage does not read standard input; name files "
        "with --pipepart -a FILE");
  if (!options->input.sources.empty() || is_piped(*options)) return;
  if (line.command.empty())
    throw UsageError("--then needs a command: enjoin COMMAND ::: INPUT... --then COMMAND");
  options->once = true;
  options->input.sources.emplace_back().arguments.emplace_back();
  options->batch = {};
  options->batch.count_only = true;
  options->command.append_if_absent = false;
  options->spread_batches = false;
  if (depends_on_input(*options))
    throw UsageError(
        fmt::format("the stage '{}' has replacement strings, but no inputs: give it "
                    "some with ::: or ::::",
                    fmt::join(line.command, " ")));
}

void finish_inputs(const CommandLine& line, Draft& draft, bool as_parallel) {
  InputSpec& input = draft.options.input;
  finish_batch(draft);
  finish_delimiter(line, draft);
  finish_sources(line, draft, as_parallel);
  input.header = draft.header;
  // Columns are trimmed unless --trim says otherwise, as under GNU parallel.
  if (draft.trim) {
    input.trim = *draft.trim;
  } else if (input.column_regex && !input.csv) {
    input.trim = {true, true};
  }
}

}  // namespace enjoin
