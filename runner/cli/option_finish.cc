#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "runner/cli/option_draft.h"

// What the options mean together.

namespace enjoin {
namespace {

/// Where an option was given last: 0 for nowhere, larger for later.
std::size_t last_of(const CommandLine& line, std::string_view key) {
  for (std::size_t i = line.options.size(); i > 0; --i)
    if (line.options[i - 1].flag->key() == key) return i;
  return 0;
}

/// Whether the option was given, and not undone by `undo` in the same place or a later one.
bool stands(const CommandLine& line, std::string_view key, std::string_view undo) {
  const std::size_t at = last_of(line, key);
  const std::size_t undone = last_of(line, undo);
  return at > 0 && (undone == 0 || line.options[at - 1].layer > line.options[undone - 1].layer);
}

/// --group, -u and --line-buffer exclude each other where they were given in one place; else those
/// of the later place win, so that `--group` undoes the -u of a profile.
OutputMode output_mode(const CommandLine& line, const Draft& draft) {
  const std::size_t modes[] = {last_of(line, "group"), last_of(line, "ungroup"),
                               last_of(line, "line-buffer")};
  const std::size_t last = *std::max_element(std::begin(modes), std::end(modes));
  if (last == 0) return draft.tty ? OutputMode::kUngroup : OutputMode::kGroup;
  const std::uint32_t layer = line.options[last - 1].layer;
  bool given[3];
  std::transform(std::begin(modes), std::end(modes), given,
                 [&](std::size_t at) { return at > 0 && line.options[at - 1].layer == layer; });
  refuse_both(given[0], given[1], "--group and --ungroup");
  refuse_both(given[0], given[2], "--group and --line-buffer");
  refuse_both(given[1], given[2], "--ungroup and --line-buffer");
  return given[1] ? OutputMode::kUngroup : given[2] ? OutputMode::kLineBuffer : OutputMode::kGroup;
}

void check_selection(const Options& options) {
  const SelectionSpec& selection = options.selection;
  const bool logged = !options.joblog_path.empty();
  if (selection.retry_failed && !logged)
    throw UsageError("--retry-failed needs --joblog FILE: there it says which jobs failed");
  if (selection.resume_failed && !logged)
    throw UsageError("--resume-failed needs --joblog FILE: there it says which jobs failed");
  if (selection.resume && !logged && options.results.empty())
    throw UsageError("--resume needs --joblog FILE or --results: there it says what is done");
}

Invocation finish_semaphore(const CommandLine& line, Draft& draft) {
  refuse_both(draft.semaphore.foreground, draft.background, "--fg and --bg");
  if (!line.sources.empty()) throw UsageError("sem takes no inputs: it runs one command");
  if (line.command.empty() && !draft.semaphore.wait)
    throw UsageError("sem needs a command, or --wait");
  Invocation invocation;
  invocation.action = Invocation::Action::kSemaphore;
  if (draft.options.jobs_text.empty()) draft.options.jobs_text = "1";
  draft.options.jobserver = JobserverMode::kOff;
  invocation.semaphore = std::move(draft.semaphore);
  draft.options.command.words = line.command;
  for (std::string& file : draft.arg_files) {
    SourceSpec& source = draft.options.input.sources.emplace_back();
    source.kind = SourceSpec::Kind::kFile;
    source.path = std::move(file);
  }
  invocation.options = std::move(draft.options);
  return invocation;
}

}  // namespace

void finish_output(const CommandLine& line, Draft& draft) {
  Options& options = draft.options;
  options.output = output_mode(line, draft);
  options.keep_order = stands(line, "keep-order", "no-keep-order");
  if (options.tag_string) options.tag = true;
  if (options.output == OutputMode::kUngroup) {
    options.keep_order = false;
    options.tag = false;
    options.tag_string.reset();
    options.color = options.color_failed = options.color_tag = false;
  }
  if (stands(line, "v", "silent")) options.verbose = Verbose::kToStdout;
  if (stands(line, "verbose", "silent") || options.interactive)
    options.verbose = Verbose::kToStderr;
  if (draft.progress) options.progress = ProgressKind::kProgress;
  if (draft.eta) options.progress = ProgressKind::kEta;
  if (draft.bar) options.progress = ProgressKind::kBar;
}

void refuse_both(bool first, bool second, std::string_view names) {
  if (first && second) throw UsageError(fmt::format("{} exclude each other", names));
}

Invocation finish_options(const CommandLine& line, Draft& draft, const std::string& program) {
  if (draft.instead) return std::move(*draft.instead);
  if (last_of(line, "tollef") > 0 && last_of(line, "gnu") == 0)
    throw UsageError("--tollef is not in enjoin; leave it out, or put --gnu beside it");
  finish_output(line, draft);
  if (line.is_semaphore || draft.is_semaphore) return finish_semaphore(line, draft);
  finish_pipe(draft);
  finish_inputs(line, draft, program == "parallel");
  Options& options = draft.options;
  options.command.words = line.command;
  // GNU parallel knows no jobservers, and its scripts expect as many jobs as they asked for.
  if (program == "parallel" && last_of(line, "jobserver") == 0)
    options.jobserver = JobserverMode::kOff;
  if (draft.tty && options.jobs_text.empty()) options.jobs_text = "1";
  refuse_both(options.isolate != Isolate::kNone, options.terminal,
              "--isolate and --tty or --open-tty");
  check_selection(options);
  Invocation invocation;
  if (draft.show_limits) invocation.text = limits_text();
  invocation.options = std::move(options);
  return invocation;
}

}  // namespace enjoin
