#include "runner/cli/flag_groups.h"

namespace enjoin {
namespace {

using Argument = Flag::Argument;
using Group = Flag::Group;

constexpr Flag kFlags[] = {
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
    {.name = "no-keep-order",
     .aliases = "nokeeporder nok no-k",
     .group = Group::kOutput,
     .text = "Undo `-k`."},
    {.name = "ungroup",
     .letters = "u",
     .group = Group::kOutput,
     .text = "Do not collect output: jobs write straight to our stdout and stderr, and lines may "
             "mix. `-k`, `--tag` and `--tagstring` then have nothing to work on and are ignored."},
    {.name = "line-buffer",
     .aliases = "linebuffer lb line-buffered linebuffered",
     .group = Group::kOutput,
     .brief = "print whole lines as they come",
     .text = "Print a job's output line by line as it comes. Lines of different jobs may "
             "alternate, but no line is cut. With `-k`, the first job's lines come at once and "
             "the others' when it is their turn."},
    {.name = "latest-line",
     .aliases = "latestline ll",
     .group = Group::kOutput,
     .text =
         "Show the latest line of each job, on a line of the terminal of its own that is written "
         "anew. Where stdout is no terminal, the last line of each job is printed."},
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
    {.name = "ctag", .group = Group::kOutput, .text = "As `--tag`, with each tag in a colour."},
    {.name = "ctagstring",
     .aliases = "ctag-string",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kOutput,
     .text = "As `--tagstring`, with each tag in a colour."},
    {.name = "color",
     .aliases = "colour",
     .group = Group::kOutput,
     .text = "Print each job's output in a colour of its own."},
    {.name = "color-failed",
     .aliases = "colour-failed colorfailed colourfailed color-fail colour-fail colorfail "
                "colourfail cf",
     .group = Group::kOutput,
     .text = "Print the output of jobs that fail in white on red."},
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
    {.name = "compress",
     .group = Group::kOutput,
     .text = "Compress the files that `--files` and `--results` leave, with the first of pzstd, "
             "lbzip2, pbzip2, zstd, pigz, lz4, gzip … that is there. Output that is only held "
             "until it is printed is not compressed."},
    {.name = "compress-program",
     .aliases = "use-compress-program usecompressprogram compressprogram",
     .argument = Argument::kRequired,
     .metavar = "COMMAND",
     .group = Group::kOutput,
     .text = "Compress with `COMMAND`, which reads stdin and writes stdout. Implies `--compress`."},
    {.name = "decompress-program",
     .aliases = "use-decompress-program usedecompressprogram decompressprogram",
     .argument = Argument::kRequired,
     .metavar = "COMMAND",
     .group = Group::kOutput,
     .text = "Implies nothing and does nothing: what is compressed is kept in files and never read "
             "back by enjoin."},
    {.name = "tmpdir",
     .aliases = "tempdir",
     .argument = Argument::kRequired,
     .metavar = "FOLDER",
     .group = Group::kOutput,
     .text = "Keep temporary files in `FOLDER`. The default is `$TMPDIR`, else /tmp.",
     .values = "FILE"},
};

constexpr Flag kRecords[] = {
    {.name = "joblog",
     .aliases = "jl job-log",
     .argument = Argument::kRequired,
     .metavar = "FILE",
     .group = Group::kRecords,
     .brief = "log the jobs to FILE (--resume goes on from there)",
     .text = "Write a line about each finished job to `FILE`; `+FILE` is appended to. See JOBLOG.",
     .values = "FILE"},
    {.name = "db",
     .argument = Argument::kRequired,
     .metavar = "FILE",
     .group = Group::kRecords,
     .text = "Record the run in the database `FILE` (SQLite): its jobs, how each attempt ended, "
             "what it used and what it wrote. `enjoin report --db FILE` tells of it.",
     .values = "FILE"},
    {.name = "resume",
     .group = Group::kRecords,
     .text = "Leave out the jobs that the file of `--joblog` has, or the folder of `--results`, "
             "and append to it. Jobs are known by their number."},
    {.name = "resume-failed",
     .aliases = "resumefailed",
     .group = Group::kRecords,
     .text = "As `--resume`, but run again the jobs that failed."},
    {.name = "retry-failed",
     .aliases = "retryfailed",
     .group = Group::kRecords,
     .text = "Run again the jobs that failed, with the command lines of the joblog. Command and "
             "inputs need not be given; where they are and there is no joblog yet, all jobs run."},
    {.name = "results",
     .aliases = "result res",
     .argument = Argument::kRequired,
     .metavar = "NAME",
     .group = Group::kRecords,
     .text = "Keep each job's output in files. `NAME` is a folder that gets one for each set of "
             "inputs, with `stdout`, `stderr` and `seq` in it; or, where it holds replacement "
             "strings, the name of each job's file (a folder with a `/` at its end); or a table "
             "of all jobs, by its ending: `.csv`, `.tsv`, `.json` (`-.csv` goes to stdout). "
             "What is kept is not printed.",
     .values = "FILE"},
    {.name = "files",
     .aliases = "output-as-files outputasfiles",
     .group = Group::kRecords,
     .text = "Print the names of files that hold the jobs' stdout, rather than that. They are in "
             "the folder for temporary files (`--tmpdir`), or where `--results` says."},

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
    {.name = "total-jobs",
     .aliases = "totaljobs total",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kProgress,
     .text = "Take `N` for the number of all jobs, in `--bar`, `--eta` and `{##}`, so that they "
             "need not wait for the end of the inputs."},
    {.name = "quiet",
     .group = Group::kProgress,
     .text = "Do not report on stderr about jobs that failed, timed out or were stopped. The exit "
             "status and the joblog still tell."},
};

}  // namespace

std::span<const Flag> output_flags() {
  return kFlags;
}

std::span<const Flag> record_flags() {
  return kRecords;
}

}  // namespace enjoin
