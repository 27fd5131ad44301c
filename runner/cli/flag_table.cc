#include "runner/cli/flag_table.h"

#include <algorithm>
#include <array>

namespace enjoin {
namespace {

using Argument = Flag::Argument;
using Group = Flag::Group;
using Standing = Flag::Standing;

constexpr Flag kFlags[] = {
    // Inputs.
    {.name = "arg-file",
     .aliases = "argfile",
     .letters = "a",
     .argument = Argument::kRequired,
     .metavar = "FILE",
     .group = Group::kInput,
     .brief = "inputs are the lines of FILE (- is stdin)",
     .text =
         "Take the inputs from `FILE`, one a line; `-` is stdin. Given several times, each file "
         "is an input source of its own, and every combination makes a job. Files of `-a` come "
         "before the sources of `:::` and `::::`.",
     .values = "FILE"},
    {.name = "null",
     .letters = "0",
     .group = Group::kInput,
     .brief = "inputs end with a NUL byte, as of find -print0",
     .text = "Inputs end with a NUL byte, not with a newline. What `find -print0` writes."},
    {.name = "delimiter",
     .letters = "d",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kInput,
     .text =
         "Inputs end with `STR`, not with a newline. Escapes are understood as by printf(1): "
         "`\\n`, `\\t`, `\\0`, `\\\\`, octal `\\101`, hexadecimal `\\x41`. `STR` may be several "
         "characters. The arguments of `:::` are cut at `STR` too."},
    {.name = "no-run-if-empty",
     .letters = "r",
     .group = Group::kInput,
     .text = "Make no job of an input that is empty or blank."},

    // The command.
    {.letters = "I",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kCommand,
     .text = "Use `STR` where `{}` is meant, which then is ordinary text. The other replacement "
             "strings stay what they are."},
    {.name = "max-args",
     .letters = "n",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kCommand,
     .brief = "N inputs a job",
     .text = "Give each job up to `N` inputs. `{}` becomes all of them with blanks between; "
             "`{1}`, `{2}` are the first, the second. With 0, each input makes a job but none is "
             "inserted."},
    {.name = "max-replace-args",
     .letters = "N",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kCommand,
     .text = "As `-n`, but the word around `{}` is repeated with each input, as with `-X`. `-N0` "
             "runs the command once for each input without inserting it."},
    {.letters = "X",
     .group = Group::kCommand,
     .brief = "as many inputs a job as fit on a line",
     .text = "Give each job as many inputs as fit on a command line (or as `-n` says), and repeat "
             "the word around `{}` for each: `img{}.png` becomes `img1.png img2.png`. At the end "
             "of the inputs the rest is shared out evenly over the jobs that run at once."},
    {.letters = "m",
     .group = Group::kCommand,
     .text = "As `-X`, but only `{}` itself is repeated: `a{}z` becomes `a1 2 3z`."},
    {.name = "xargs",
     .group = Group::kCommand,
     .text = "As `-m`, but the last inputs are not shared out over several jobs."},
    {.name = "quote",
     .letters = "q",
     .group = Group::kCommand,
     .text = "Take the command's words literally. Blanks, quotes, `$` and `;` in them mean nothing "
             "to the shell."},
    {.name = "dry-run",
     .aliases = "dryrun",
     .group = Group::kCommand,
     .brief = "print the jobs' command lines, run nothing",
     .text = "Print the command line of each job on stdout, and run nothing."},

    // Running.
    {.name = "jobs",
     .aliases = "max-procs",
     .letters = "jP",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kRunning,
     .brief = "N jobs at once; 150% +2 -1: of the CPUs; 0: the most",
     .text = "Run up to `N` jobs at once. `N%`, `+N` and `-N` are reckoned from the number of CPUs "
             "(percentages are rounded up, and at least one job runs), 0 is as many as possible, "
             "and a file's name stands for what the file holds. Without `-j`, there is one job for "
             "each CPU that may really be used: the affinity mask and the cgroup's CPU quota are "
             "looked at."},
    {.name = "delay",
     .argument = Argument::kRequired,
     .metavar = "TIME",
     .group = Group::kRunning,
     .text = "Wait `TIME` after the start of a job before the next one is started. Times are "
             "seconds, or sums such as `2m`, `1h30m`, `1.5d`."},
    {.name = "timeout",
     .argument = Argument::kRequired,
     .metavar = "TIME",
     .group = Group::kRunning,
     .brief = "stop a job after TIME: 30 2m 1h 200% (of the median)",
     .text = "Stop a job that runs for longer than `TIME`, with all processes that it started, and "
             "count it as failed. `200%` is twice the median run time of the jobs that succeeded "
             "so far."},
    {.name = "retries",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kRunning,
     .brief = "run a failing job up to N times in all",
     .text = "Run a job that fails up to `N` times in all. 0 is without end. Only the last run is "
             "logged, and only its output is printed, but for what `-u` and `--line-buffer` print "
             "at once."},
    {.name = "halt",
     .aliases = "halt-on-error haltonerror",
     .argument = Argument::kRequired,
     .metavar = "WHEN,WHY=N",
     .group = Group::kRunning,
     .brief = "stop early: now,fail=1 soon,fail=10% now,success=1",
     .text = "Stop early, when `N` jobs have ended in a certain way. WHEN is `soon` (start no more "
             "jobs, let the running ones end) or `now` (stop the running ones too). WHY is "
             "`fail`, `success` or `done`. `N%` is of all jobs, and is decided on once all inputs "
             "have been read. `never` is the default; the old forms `0` (never), `1` "
             "(`soon,fail=1`), `2` (`now,fail=1`), `-1` (`soon,success=1`), `-2` "
             "(`now,success=1`) and `N%` (`soon,fail=N%`) are understood.",
     .values = "never now,fail=1 soon,fail=1 now,success=1 soon,success=1 now,done=1 soon,done=1"},
    {.name = "nice",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kRunning,
     .text = "Add `N` to the niceness of the jobs. 19 gives way to everything else; below 0 is "
             "root's to ask for."},
    {.name = "rlimit",
     .argument = Argument::kRequired,
     .metavar = "NAME=VALUE,...",
     .group = Group::kRunning,
     .text = "Set resource limits for each process of a job. Names are those of setrlimit(2) in "
             "small letters: `as`, `core`, `cpu`, `data`, `fsize`, `memlock`, `nofile`, `nproc`, "
             "`stack` and so on. Values are sizes, numbers or times as the limit has it, or "
             "`unlimited`: `--rlimit as=2G,nproc=64,cpu=10m`."},
    {.name = "worker-loss",
     .argument = Argument::kRequired,
     .metavar = "WHAT",
     .group = Group::kRunning,
     .text =
         "What becomes of a job whose worker process died while the job ran. `fail` (the "
         "default) counts it as failed and names it; `requeue` runs it again, up to three times "
         "in all, which is right where running a job twice does no harm. A job that had not "
         "begun always goes to another worker.",
     .values = "fail requeue"},
    {.name = "leftovers",
     .argument = Argument::kRequired,
     .metavar = "WHAT",
     .group = Group::kRunning,
     .text = "What becomes of processes that a job leaves behind when it ends by itself. `keep` "
             "(the default) lets them live; `report` lets them live and names them; `kill` kills "
             "them; `fail` kills them and counts the job as failed. A job that is stopped, by a "
             "timeout or otherwise, always takes all its processes along.",
     .values = "keep report kill fail"},

    // Output.
    {.name = "group",
     .group = Group::kOutput,
     .text = "Print what a job wrote when the job has ended, never mixed with another job's. This "
             "is the default. What was written to stdout goes to stdout, and stderr to stderr."},
    {.name = "keep-order",
     .aliases = "keeporder",
     .letters = "k",
     .group = Group::kOutput,
     .brief = "print the jobs' output in the order of the inputs",
     .text = "Print the output of the jobs in the order of the inputs, whenever they end."},
    {.name = "no-keep-order", .group = Group::kOutput, .text = "Undo `-k`."},
    {.name = "ungroup",
     .letters = "u",
     .group = Group::kOutput,
     .brief = "jobs write straight to stdout and stderr, unsorted",
     .text = "Do not collect output: jobs write straight to our stdout and stderr, and lines may "
             "mix. `-k`, `--tag` and `--tagstring` then have nothing to work on and are ignored."},
    {.name = "line-buffer",
     .aliases = "linebuffer lb line-buffered linebuffered",
     .group = Group::kOutput,
     .brief = "print whole lines as they come",
     .text = "Print a job's output line by line as it comes. Lines of different jobs may "
             "alternate, but no line is cut. With `-k`, the first job's lines come at once and "
             "the others' when it is their turn."},
    {.name = "tag",
     .group = Group::kOutput,
     .brief = "begin each line with the input",
     .text = "Begin each line of output with the job's inputs and a TAB."},
    {.name = "tagstring",
     .aliases = "tag-string",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kOutput,
     .text = "Begin each line of output with `STR` and a TAB. `STR` may hold replacement strings, "
             "as in `--tagstring '{#} {/}'`. An empty `STR` is no tag."},
    {.name = "max-output",
     .argument = Argument::kRequired,
     .metavar = "SIZE",
     .group = Group::kOutput,
     .text = "Keep at most `SIZE` bytes of each job's stdout, and as much of its stderr. A mark "
             "shows where output was cut; the job itself goes on. Sizes take the suffixes K, M, G, "
             "T, P (powers of 1024) and k, m, g, t, p (powers of 1000)."},
    {.letters = "v",
     .group = Group::kOutput,
     .brief = "print each job's command line first",
     .text = "Print each job's command line on stdout, before its output."},
    {.name = "verbose",
     .letters = "t",
     .group = Group::kOutput,
     .text = "Print each job's command line on stderr when it starts."},
    {.name = "silent",
     .group = Group::kOutput,
     .text = "Print no command lines: undo `-v` and `-t`."},

    // Progress and records.
    {.name = "joblog",
     .aliases = "jl job-log",
     .argument = Argument::kRequired,
     .metavar = "FILE",
     .group = Group::kProgress,
     .brief = "write a line about each finished job to FILE",
     .text = "Write a line about each finished job to `FILE`; `+FILE` is appended to. See JOBLOG.",
     .values = "FILE"},
    {.name = "bar",
     .group = Group::kProgress,
     .brief = "show a progress bar (also --eta)",
     .text = "Show a progress bar on the terminal."},
    {.name = "eta",
     .group = Group::kProgress,
     .text = "Show on the terminal how many jobs are left, and how long they may take."},
    {.name = "progress",
     .group = Group::kProgress,
     .text = "Show on the terminal how many jobs run and how many have ended."},
    {.name = "quiet",
     .group = Group::kProgress,
     .text = "Do not report on stderr about jobs that failed, timed out or were stopped. The exit "
             "status and the joblog still tell."},

    // Information.
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

    // Accepted, so that scripts for GNU parallel run.
    {.name = "will-cite",
     .aliases = "willcite no-notice nonotice",
     .group = Group::kCompat,
     .text = "Does nothing: enjoin asks for no citation."},
    {.name = "citation",
     .aliases = "bibtex",
     .group = Group::kCompat,
     .text = "Says that enjoin asks for no citation, and exits."},
    {.name = "gnu", .group = Group::kCompat, .text = "Does nothing."},
    {.name = "plain", .group = Group::kCompat, .text = "Does nothing: enjoin reads no profiles."},
};

constexpr std::string_view kHereOnly =
    "enjoin runs jobs on this machine; to use another, run enjoin there: ssh HOST enjoin ...";
constexpr std::string_view kNoDatabase = "enjoin fills no database; use --joblog FILE and load it";
constexpr std::string_view kNoTmux = "to watch jobs as they run, use --line-buffer --tag";
constexpr std::string_view kOwnString = "use the replacement string itself, or -I for {}";

constexpr Flag later(std::string_view name, std::string_view aliases = {},
                     std::string_view letters = {}, std::string_view instead = {}) {
  return {.name = name,
          .aliases = aliases,
          .letters = letters,
          .group = Group::kCompat,
          .standing = Standing::kNotYet,
          .instead = instead};
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

// What else GNU parallel knows, so that it is named and not called unknown.
constexpr Flag kOthers[] = {
    later("then", {}, {},
          "run the second command on its own: enjoin A ::: ... && enjoin B ::: ..."),
    later("arg-file-sep", "argfilesep", {}, "write ::::"),
    later("arg-sep", "argsep", {}, "write :::"),
    later("basenamereplace", "bnr", {}, kOwnString),
    later("basenameextensionreplace", "bner", {}, kOwnString),
    later("bin"),
    later("bg"),
    later("block", "block-size blocksize"),
    later("block-timeout", "bt blocktimeout"),
    later("cat"),
    later("color", "colour"),
    later("color-failed", "colour-failed cf colorfailed"),
    later("colsep", "col-sep", "C"),
    later("compress"),
    later("compress-program", "compressprogram"),
    later("decompress-program", "decompressprogram"),
    later("csv"),
    later("ctag", {}, {}, "use --tag"),
    later("ctagstring", "ctag-string", {}, "use --tagstring"),
    later("dirnamereplace", "dnr", {}, kOwnString),
    later("eof", "end-of-file", "eE"),
    later("embed"),
    later("env", {}, {}, "exported variables and functions reach the jobs without it"),
    later("exit", {}, "x"),
    later("extensionreplace", "er", {}, kOwnString),
    later("fg"),
    later("fifo"),
    later("files", "output-as-files outputasfiles"),
    later("filter"),
    later("group-by", "groupby"),
    later("header"),
    later("interactive", {}, "p"),
    later("latest-line", "latestline ll"),
    later("limit"),
    later("link", "xapply"),
    later("load"),
    later("max-chars", {}, "s"),
    later("max-line-length-allowed"),
    later("max-lines", {}, "Ll"),
    later("memfree"),
    later("memsuspend"),
    later("minversion", "min-version"),
    later("noswap"),
    later("number-of-cpus", {}, {}, "see nproc(1)"),
    later("number-of-cores", {}, {}, "see nproc(1)"),
    later("number-of-sockets", {}, {}, "see lscpu(1)"),
    later("number-of-threads", {}, {}, "see nproc(1)"),
    later("open-tty", "opentty", "o"),
    later("parens"),
    later("pipe", "spreadstdin"),
    later("pipe-part", "pipepart"),
    later("plus"),
    later("process-slot-var", {}, {}, "use $PARALLEL_JOBSLOT or {%}"),
    later("profile", {}, "J"),
    later("record-env"),
    later("recstart"),
    later("recend"),
    later("regexp", "regex"),
    later("remove-rec-sep", "removerecsep rrs"),
    later("replace", {}, "i", "use -I STR"),
    later("results", "res"),
    later("resume"),
    later("resume-failed"),
    later("retry-failed"),
    later("round-robin", "roundrobin round"),
    later("rpl"),
    later("semaphore"),
    later("semaphore-name", "semaphorename id"),
    later("semaphore-timeout", "semaphoretimeout st"),
    later("seqreplace", {}, {}, kOwnString),
    later("session"),
    later("shard"),
    later("shebang", "hashbang"),
    later("shebang-wrap"),
    later("shell-completion", {}, {}, "the completions are installed with enjoin"),
    later("shell-quote", "shellquote"),
    later("show-limits"),
    later("shuf"),
    later("skip-first-line"),
    later("slotreplace", {}, {}, kOwnString),
    later("tee"),
    later("template", "tmpl"),
    later("term-seq", "termseq"),
    later("tmpdir", "tempdir", {}, "set $TMPDIR"),
    later("total-jobs", "total"),
    later("trim"),
    later("tty", {}, {}, "-u leaves the terminal to the jobs"),
    later("use-sockets-instead-of-threads", {}, {}, "use -j"),
    later("use-cores-instead-of-threads", {}, {}, "use -j"),
    later("use-cpus-instead-of-cores", {}, {}, "use -j"),
    later("wait"),
    later("workdir", "work-dir wd", {}, "write cd DIR && COMMAND as the command"),
    refused("basefile", kHereOnly, "bf"),
    refused("cleanup", kHereOnly),
    refused("controlmaster", kHereOnly, {}, "M"),
    refused("filter-hosts", kHereOnly, "filterhosts"),
    refused("hostgroups", kHereOnly, "hgrp"),
    refused("nonall", kHereOnly),
    refused("onall", kHereOnly),
    refused("return", kHereOnly),
    refused("rsync-opts", kHereOnly, "rsyncopts"),
    refused("sql", kNoDatabase),
    refused("sql-master", kNoDatabase, "sqlmaster"),
    refused("sql-and-worker", kNoDatabase, "sqlandworker"),
    refused("sql-worker", kNoDatabase, "sqlworker"),
    refused("ssh", kHereOnly),
    refused("ssh-delay", kHereOnly, "sshdelay"),
    refused("sshlogin", kHereOnly, {}, "S"),
    refused("sshloginfile", kHereOnly, "slf"),
    refused("tmux", kNoTmux),
    refused("tmuxpane", kNoTmux),
    refused("transfer", kHereOnly),
    refused("transferfile", kHereOnly, "tf transfer-file"),
    refused("trc", kHereOnly),
};

constexpr auto kAll = [] {
  std::array<Flag, std::size(kFlags) + std::size(kOthers)> all;
  std::copy(std::begin(kOthers), std::end(kOthers),
            std::copy(std::begin(kFlags), std::end(kFlags), all.begin()));
  return all;
}();

}  // namespace

std::string Flag::spelling() const {
  return name.empty() ? "-" + std::string(letters.substr(0, 1)) : "--" + std::string(name);
}

std::string Flag::summary() const {
  std::string sentence(text.substr(0, text.find(". ")));
  std::erase(sentence, '`');
  if (sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

std::span<const Flag> all_flags() {
  return kAll;
}

const Flag* find_letter(char letter) {
  for (const Flag& flag : kAll)
    if (flag.letters.find(letter) != std::string_view::npos) return &flag;
  return nullptr;
}

const Flag* find_name(std::string_view name) {
  for (const Flag& flag : kAll) {
    bool found = false;
    for_each_name(flag, [&](std::string_view own) { found = found || own == name; });
    if (found) return &flag;
  }
  return nullptr;
}

std::string_view group_title(Flag::Group group) {
  switch (group) {
    case Group::kInput:
      return "Inputs";
    case Group::kCommand:
      return "The command";
    case Group::kRunning:
      return "Running jobs";
    case Group::kOutput:
      return "Output";
    case Group::kProgress:
      return "Progress and records";
    case Group::kInfo:
      return "Information";
    case Group::kCompat:
      return "Accepted from GNU parallel";
  }
  return "";
}

}  // namespace enjoin
