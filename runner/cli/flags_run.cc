#include <algorithm>
#include <vector>

#include "runner/cli/run_options.h"

// The options of run, resume and report. Those that the batch mode has as well are its own.

namespace enjoin {
namespace {

using Argument = Flag::Argument;
using Group = Flag::Group;

constexpr Flag kHelp = {.name = "help",
                        .letters = "h",
                        .group = Group::kInfo,
                        .text = "Show the options of this command, and exit."};

constexpr Flag kDatabase = {
    .name = "db",
    .argument = Argument::kRequired,
    .metavar = "FILE",
    .group = Group::kRecords,
    .text = "The database that holds the record of runs. The default is `.enjoin/record.db`.",
    .values = "FILE"};

constexpr Flag kGraph[] = {
    {.name = "file",
     .letters = "f",
     .argument = Argument::kRequired,
     .metavar = "FILE",
     .group = Group::kGraph,
     .text = "Read the pipeline from `FILE`. The default is `pipeline.toml`.",
     .values = "FILE"},
    {.name = "only",
     .argument = Argument::kRequired,
     .metavar = "STAGE",
     .group = Group::kGraph,
     .text = "Run this stage alone, whatever is recorded of it, and take what it needs for done. "
             "May be given several times."},
    {.name = "from",
     .argument = Argument::kRequired,
     .metavar = "STAGE",
     .group = Group::kGraph,
     .text =
         "Run this stage and all that need it, whatever is recorded of them, and take what comes "
         "before for done. May be given several times."},
    {.name = "set",
     .argument = Argument::kRequired,
     .metavar = "NAME=VALUE",
     .group = Group::kGraph,
     .text = "Give the pipeline's variable `NAME` this value."},
    {.name = "keep-going",
     .group = Group::kGraph,
     .text = "After a failure leave out only the jobs that depend on it. Without this option "
             "nothing more is started then, and what runs comes to its end."},
};

constexpr Flag kRecord[] = {
    {.name = "no-db", .group = Group::kRecords, .text = "Keep no record of this run."},
    {.name = "rerun-on",
     .argument = Argument::kRequired,
     .metavar = "WHAT,...",
     .group = Group::kRecords,
     .text = "Which changes have a recorded job run again: `input` (what its declared inputs "
             "hold), `command`, `env` (its declared environment). All three are the default; "
             "`none` is none of them.",
     .values = "input command env none"},
    {.name = "accept-changes",
     .group = Group::kRecords,
     .text = "Take recorded jobs that have changed for done, as they are now."},
    {.name = "events",
     .argument = Argument::kRequired,
     .metavar = "FILE",
     .group = Group::kRecords,
     .text = "Write what happens as JSON Lines to `FILE`; `-` is stdout.",
     .values = "FILE"},
};

constexpr Flag kShow[] = {
    {.name = "dry-run",
     .group = Group::kInfo,
     .text = "Print the commands that would be run, and run none."},
    {.name = "graph",
     .argument = Argument::kOptional,
     .metavar = "text",
     .group = Group::kInfo,
     .text = "Print the graph of the stages for Graphviz, or, with `--graph=text`, for people.",
     .values = "dot text"},
    {.name = "list", .group = Group::kInfo, .text = "List the stages, and exit."},
};

constexpr Flag kReport[] = {
    {.name = "run",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kGraph,
     .text = "Report on run `N`. The default is the last one."},
    {.name = "flaky",
     .group = Group::kGraph,
     .text = "List the jobs that passed after they had failed."},
    {.name = "junit",
     .argument = Argument::kRequired,
     .metavar = "FILE",
     .group = Group::kGraph,
     .text = "Write the report as JUnit XML to `FILE`; `-` is stdout.",
     .values = "FILE"},
    {.name = "json", .group = Group::kGraph, .text = "Print the report as JSON."},
};

constexpr std::string_view kShared[] = {
    "jobs",       "jobserver", "worker-loss", "term-seq", "nice",  "rlimit",       "group",
    "keep-order", "ungroup",   "line-buffer", "tag",      "color", "color-failed", "max-output",
    "v",          "verbose",   "tmpdir",      "joblog",   "quiet"};

const Flag& batch_flag(std::string_view key) {
  return *std::find_if(all_flags().begin(), all_flags().end(),
                       [&](const Flag& flag) { return flag.key() == key; });
}

std::vector<Flag> make_run_flags() {
  std::vector<Flag> flags(std::begin(kGraph), std::end(kGraph));
  std::vector<Flag> shared;
  for (const std::string_view key : kShared) shared.push_back(batch_flag(key));
  const auto take_group = [&](Group group) {
    for (const Flag& flag : shared)
      if (flag.group == group) flags.push_back(flag);
  };
  take_group(Group::kRunning);
  take_group(Group::kOutput);
  take_group(Group::kRecords);
  flags.push_back(kDatabase);
  flags.insert(flags.end(), std::begin(kRecord), std::end(kRecord));
  take_group(Group::kProgress);
  flags.insert(flags.end(), std::begin(kShow), std::end(kShow));
  flags.push_back(kHelp);
  return flags;
}

std::vector<Flag> make_report_flags() {
  std::vector<Flag> flags(std::begin(kReport), std::end(kReport));
  flags.push_back(kDatabase);
  flags.push_back(kHelp);
  return flags;
}

}  // namespace

std::span<const Flag> run_flags() {
  static const std::vector<Flag> flags = make_run_flags();
  return flags;
}

std::span<const Flag> report_flags() {
  static const std::vector<Flag> flags = make_report_flags();
  return flags;
}

}  // namespace enjoin
