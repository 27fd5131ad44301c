#include "runner/cli/flag_groups.h"

namespace enjoin {
namespace {

using Argument = Flag::Argument;
using Group = Flag::Group;
using Standing = Flag::Standing;

constexpr Flag shown(std::string_view name, std::string_view aliases, std::string_view text) {
  return {.name = name, .aliases = aliases, .group = Group::kInfo, .text = text};
}

constexpr Flag kInfo[] = {
    {.name = "help",
     .letters = "h",
     .argument = Argument::kOptional,
     .metavar = "all",
     .group = Group::kInfo,
     .text = "Show the most used options on one screen. `--help=all` shows all options.",
     .values = "all"},
    {.name = "version",
     .letters = "V",
     .argument = Argument::kOptional,
     .metavar = "all",
     .group = Group::kInfo,
     .text = "Show the version. `--version=all` also shows which of the kernel's mechanisms are "
             "in force.",
     .values = "all"},
    {.name = "profile",
     .letters = "J",
     .argument = Argument::kRequired,
     .metavar = "NAME",
     .group = Group::kInfo,
     .text = "Read options from the file `NAME`, in `~/.parallel` where it has no `/`. See Options "
             "from elsewhere. May be given several times.",
     .values = "FILE"},
    {.name = "plain",
     .group = Group::kInfo,
     .text = "Read no options from profiles, from `$PARALLEL` and from `~/.parallel/config`."},
    shown("show-limits", "showlimits",
          "Show how long a command line may be; then run the jobs, if there are any."),
    shown("max-line-length-allowed", "maxlinelengthallowed",
          "Show how many bytes a command line may have, and exit."),
    shown("number-of-cpus", "numberofcpus", "Show the number of CPU cores, and exit."),
    shown("number-of-cores", "numberofcores", "Show the number of CPU cores, and exit."),
    shown("number-of-sockets", "numberofsockets", "Show the number of CPU sockets, and exit."),
    shown("number-of-threads", "numberofthreads", "Show the number of hardware threads, and exit."),
    {.name = "minversion",
     .aliases = "min-version",
     .argument = Argument::kRequired,
     .metavar = "YYYYMMDD",
     .group = Group::kInfo,
     .text = "Show the version of GNU parallel whose command line this is, and exit: with 0 where "
             "it is not older than `YYYYMMDD`, else with 255."},
    {.name = "shell-completion",
     .aliases = "shellcompletion",
     .argument = Argument::kRequired,
     .metavar = "SHELL",
     .group = Group::kInfo,
     .text = "Print the completions for `bash`, `zsh`, `fish` or, with `auto`, the shell that "
             "called, and exit.",
     .values = "auto bash zsh fish"},
};

constexpr std::string_view kHereOnly =
    "enjoin runs jobs on this machine; to use another, run enjoin there: ssh HOST enjoin ...";
constexpr std::string_view kNoDatabase = "enjoin fills no database; use --joblog FILE and load it";
constexpr std::string_view kNoTmux = "to watch jobs as they run, use --line-buffer --tag";
constexpr std::string_view kAllExported =
    "exported variables and functions reach the jobs without it; unset those that must not";

constexpr Flag retired(std::string_view letter, std::string_view instead) {
  return {.letters = letter,
          .group = Group::kCompat,
          .standing = Standing::kRefused,
          .instead = instead};
}
constexpr Flag accepted(std::string_view name, std::string_view aliases, std::string_view text) {
  return {.name = name, .aliases = aliases, .group = Group::kCompat, .text = text};
}
constexpr Flag refused(std::string_view name, std::string_view instead,
                       std::string_view aliases = {}, std::string_view letters = {}) {
  return {.name = name,
          .aliases = aliases,
          .letters = letters,
          .group = Group::kCompat,
          .standing = Standing::kRefused,
          .instead = instead};
}

constexpr Flag kCompat[] = {
    accepted("will-cite", "willcite no-notice nonotice nn",
             "Does nothing: enjoin asks for no citation."),
    accepted("citation", "bibtex", "Says that enjoin asks for no citation, and exits."),
    accepted("gnu", "fast unsafe", "Does nothing."),
    accepted("cleanup", "", "Does nothing: the folders of `--workdir ...` are always removed."),
    accepted("tollef", "", "Does nothing beside `--gnu`, and is refused without it."),
    {.name = "sshlogin",
     .letters = "S",
     .argument = Argument::kRequired,
     .metavar = ":",
     .group = Group::kCompat,
     .text = "`:`, this machine, is accepted; others are refused."},
    {.name = "then",
     .group = Group::kCompat,
     .standing = Standing::kNotYet,
     .instead = "run the second command on its own: enjoin A ::: ... && enjoin B ::: ..."},
    refused("basefile", kHereOnly, "bf"),
    refused("combine-executable", "install enjoin beside the program", "combineexec"),
    refused("controlmaster", kHereOnly, {}, "M"),
    refused("ctrl-c", "INT stops all jobs", "ctrlc no-ctrl-c no-ctrlc noctrlc"),
    refused("debug", "to see what is run, use -v or --dry-run; --version=all shows mechanisms", {},
            "D"),
    refused("embed", "install enjoin where the script is to run: it is two programs"),
    refused("filter-hosts", kHereOnly, "filterhosts filter-host"),
    refused("files0", "use --files, and tr '\\n' '\\0' behind it"),
    refused("milestone", "call enjoin once for each part, with && between"),
    refused("hostgroups", kHereOnly, "hgrp hostgrp hostgroup"),
    refused("linkinputsource", "write :::+ or ::::+", "xapplyinputsource"),
    refused("nonall", kHereOnly),
    refused("onall", kHereOnly),
    refused("record-env", kAllExported, "recordenv"),
    refused("return", kHereOnly),
    refused("rsync-opts", kHereOnly, "rsyncopts"),
    refused("session", kAllExported),
    refused("sql", kNoDatabase),
    refused("sql-master", kNoDatabase, "sqlmaster"),
    refused("sql-and-worker", kNoDatabase, "sqlandworker"),
    refused("sql-worker", kNoDatabase, "sqlworker"),
    refused("ssh", kHereOnly),
    refused("ssh-delay", kHereOnly, "sshdelay"),
    refused("sshloginfile", kHereOnly, "slf"),
    refused("template",
            "let the command make the file: 'sed s/@/{}/ FORM >{#}.txt; PROGRAM {#}.txt'", "tmpl"),
    refused("tmux", kNoTmux),
    refused("tmuxpane", kNoTmux, "tmux-pane"),
    refused("transfer", kHereOnly),
    refused("transferfile", kHereOnly, "tf transfer-file transfer-files transferfiles"),
    refused("trc", kHereOnly),
    // Letters that GNU parallel had once.
    retired("B", "use --basefile"),
    retired("F", "leave it out"),
    retired("g", "use --group"),
    retired("H", "use --halt"),
    retired("T", "use --tty"),
    retired("U", "use --extensionreplace"),
    retired("W", "use --workdir"),
    retired("Y", "use --shebang"),
};

}  // namespace

std::span<const Flag> info_flags() {
  return kInfo;
}

std::span<const Flag> compat_flags() {
  return kCompat;
}

}  // namespace enjoin
