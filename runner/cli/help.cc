#include "runner/cli/help.h"

#include <cstddef>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "runner/cli/flag_table.h"
#include "runner/cli/run_options.h"

namespace enjoin {
namespace {

constexpr std::size_t kColumns = 80;

constexpr std::string_view kUsage =
    "Usage: enjoin [options] COMMAND ::: INPUT...    each input makes a job\n"
    "       enjoin [options] COMMAND :::: FILE...    each line of the files does\n"
    "       ... | enjoin [options] [COMMAND]         each line of stdin does\n"
    "\n"
    "In COMMAND: {} input  {.} no extension  {/} base name  {/.} both  {//} folder\n"
    "            {#} job number  {%} job slot  {1} {2} first, second input source\n"
    "\n";

constexpr std::string_view kRunUsage =
    "Usage: enjoin run [options] [STAGE...]        the stages of pipeline.toml\n"
    "       enjoin run [options] FILE.jsonl | -    the jobs of a graph, one a line\n";
constexpr std::string_view kResumeUsage =
    "Usage: enjoin resume [options]    go on with the last run, as it was asked for\n";
constexpr std::string_view kReportUsage =
    "Usage: enjoin report [options]    what happened in the last run\n";

/// "-j, --jobs N"; without a letter, the name stands where it would after one.
std::string left_column(const Flag& flag) {
  std::string text = "  ";
  text += flag.letters.empty()
              ? "   "
              : fmt::format("-{}{}", flag.letters[0], flag.name.empty() ? "" : ",");
  if (!flag.name.empty()) text += fmt::format(" --{}", flag.name);
  if (flag.argument == Flag::Argument::kRequired) text += fmt::format(" {}", flag.metavar);
  if (flag.takes_optional()) text += fmt::format("[={}]", flag.metavar);
  return text;
}

/// `text` broken at blanks, with `indent` blanks before all lines but the first.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string lines;
  const std::size_t width = kColumns - indent;
  while (text.size() > width) {
    const std::size_t blank = text.rfind(' ', width);
    if (blank == std::string_view::npos || blank == 0) break;
    lines += fmt::format("{}\n{:{}}", text.substr(0, blank), "", indent);
    text.remove_prefix(blank + 1);
  }
  return lines.append(text) + "\n";
}

/// Every option, by group, with the first sentence of what it does.
std::string option_list(std::span<const Flag> flags) {
  constexpr std::size_t kIndent = 29;
  std::string help;
  const Flag* last = nullptr;
  for (const Flag& flag : flags) {
    if (flag.standing != Flag::Standing::kHere) continue;
    if (last == nullptr || last->group != flag.group)
      help += fmt::format("\n{}:\n", group_title(flag.group));
    last = &flag;
    const std::string left = left_column(flag);
    help += left.size() < kIndent ? fmt::format("{:<{}}", left, kIndent)
                                  : fmt::format("{}\n{:{}}", left, "", kIndent);
    help += wrapped(flag.summary(), kIndent);
  }
  return help;
}

}  // namespace

std::string short_help() {
  std::string help(kUsage);
  for (const Flag& flag : all_flags())
    if (!flag.brief.empty()) help += fmt::format("{:<25}{}\n", left_column(flag), flag.brief);
  return help + "All options: enjoin --help=all. More of everything: man enjoin\n";
}

std::string full_help() {
  return std::string(kUsage.substr(0, kUsage.size() - 1)) + option_list(all_flags()) +
         "\nMore of everything: man enjoin\n";
}

std::string command_help(std::string_view command) {
  if (command == "report") {
    return std::string(kReportUsage) + option_list(report_flags());
  }
  return std::string(command == "run" ? kRunUsage : kResumeUsage) + option_list(run_flags());
}

std::string version_line() {
  return "enjoin " ENJOIN_VERSION "\n";
}

}  // namespace enjoin
