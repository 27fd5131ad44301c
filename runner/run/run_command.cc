#include "runner/run/run_command.h"

#include <algorithm>
#include <memory>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "runner/jsonl/jsonl_source.h"
#include "runner/pipeline/pipeline_source.h"
#include "runner/pipeline/pipeline_view.h"
#include "runner/run/graph_dry_run.h"
#include "runner/run/graph_run.h"
#include "runner/terminal_guard.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

using Show = RunOptions::Show;

StageSelection selection_of(const RunOptions& options) {
  return {.stages = options.stages, .only = options.only, .from = options.from};
}

PipelineFile read_file(const RunOptions& options, const std::string& program) {
  PipelineFile file = read_pipeline_file(options.pipeline, options.set);
  std::string text;
  for (const std::string& warning : file.warnings)
    text += fmt::format("{}: Warning: {}\n", program, warning);
  if (!options.batch.quiet) MessageWriter(STDERR_FILENO).say(term_safe_lines(text));
  return file;
}

PipelineView view_of(Show show) {
  switch (show) {
    case Show::kList:
      return PipelineView::kList;
    case Show::kGraphDot:
      return PipelineView::kGraphDot;
    case Show::kGraphText:
      return PipelineView::kGraphText;
    case Show::kNothing:
    case Show::kCommands:
      break;
  }
  return PipelineView::kCommands;
}

int show(const RunOptions& options, const std::string& program) {
  if (!options.graph.empty()) {
    JsonlSource source(options.graph);
    return print_graph(source);
  }
  show_pipeline(view_of(options.show), read_file(options, program), selection_of(options),
                print_out);
  return 0;
}

std::unique_ptr<JobSource> open_source(const RunOptions& options, const std::string& program) {
  if (!options.graph.empty()) return std::make_unique<JsonlSource>(options.graph);
  return std::make_unique<PipelineSource>(read_file(options, program), selection_of(options));
}

/// The words of the last run, with those that are given now where they count more.
std::vector<std::string> words_to_resume(std::vector<std::string> words,
                                         const std::vector<std::string>& given) {
  if (!words.empty() && words.front() == "run") words.erase(words.begin());
  const auto operands = std::find(words.begin(), words.end(), "--");
  words.insert(operands, given.begin(), given.end());
  return words;
}

}  // namespace

int run_graph(const RunOptions& options, const std::string& program) {
  if (options.show != Show::kNothing) return show(options, program);
  std::unique_ptr<JobSource> source = open_source(options, program);
  const TerminalGuard terminal;
  return GraphRun(options, std::move(source), program).run();
}

int resume_graph(const RunOptions& given, const std::string& program) {
  const std::string path = given.database.empty() ? kDefaultRecord : given.database;
  const std::optional<LastRun> last = last_run(*open_record(path));
  if (!last)
    throw Error(
        fmt::format("{} holds no run to go on with; enjoin run begins one", term_safe(path)));
  RunOptions options = parse_command("run", words_to_resume(last->arguments, given.words)).run;
  options.resumes = true;
  return run_graph(options, program);
}

}  // namespace enjoin
