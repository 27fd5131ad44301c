#include "runner/cli/flag_groups.h"

namespace enjoin {
namespace {

using Argument = Flag::Argument;
using Group = Flag::Group;

constexpr Flag kFlags[] = {
    {.name = "pipe",
     .aliases = "spreadstdin",
     .group = Group::kPipe,
     .brief = "cut stdin into blocks of whole lines, a job for each",
     .text = "Cut stdin into blocks of whole records (lines), and give each block to a job on its "
             "stdin."},
    {.name = "pipe-part",
     .aliases = "pipepart",
     .group = Group::kPipe,
     .text = "As `--pipe` for the files of `-a` or `::::`: each job reads its own part of the "
             "file, which is faster."},
    {.name = "block",
     .aliases = "block-size blocksize",
     .argument = Argument::kRequired,
     .metavar = "SIZE",
     .group = Group::kPipe,
     .text = "Make blocks of about `SIZE` bytes (1M). They end with a record. With `--pipe-part`, "
             "`-N` is N blocks for each job slot, and without `--block` there are 10."},
    {.name = "block-timeout",
     .aliases = "blocktimeout bt",
     .argument = Argument::kRequired,
     .metavar = "TIME",
     .group = Group::kPipe,
     .text = "Hand out a block that is not full where `TIME` went by without it."},
    {.name = "recend",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kPipe,
     .text = "Records end with `STR`, a newline by default. An empty `STR`: blocks may be cut "
             "anywhere. Escapes are understood as with `-d`."},
    {.name = "recstart",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kPipe,
     .text = "Records begin with `STR`. With `--recend` too, they are cut where an end is followed "
             "by a beginning."},
    {.name = "regexp",
     .aliases = "regex",
     .group = Group::kPipe,
     .text = "`--recstart` and `--recend` are Perl regular expressions."},
    {.name = "remove-rec-sep",
     .aliases = "removerecsep rrs",
     .group = Group::kPipe,
     .text = "Cut what `--recstart` and `--recend` match out of the data."},
    {.name = "round-robin",
     .aliases = "roundrobin round",
     .group = Group::kPipe,
     .text = "Start one job for each slot, and give the blocks to whichever of them reads. With "
             "`-k`, in turn. Implies `--pipe`."},
    {.name = "tee",
     .group = Group::kPipe,
     .text = "Give all of the data to each of the jobs, which come from `:::`. Implies `--pipe`."},
    {.name = "cat",
     .group = Group::kPipe,
     .text = "Put each block into a temporary file, whose name is `{}`. Implies `--pipe`."},
    {.name = "fifo",
     .group = Group::kPipe,
     .text = "Let each block come out of a fifo, whose name is `{}`. Implies `--pipe`."},
    {.name = "group-by",
     .aliases = "groupby",
     .argument = Argument::kRequired,
     .metavar = "COLUMN",
     .group = Group::kPipe,
     .text = "Lines with the same value in `COLUMN` make one record. `COLUMN` is a number or, with "
             "`--header :`, a name, and may be followed by a Perl expression that changes `$_`. "
             "`--colsep` says where columns end. Implies `--pipe`."},
    {.name = "shard",
     .argument = Argument::kRequired,
     .metavar = "COLUMN",
     .group = Group::kPipe,
     .text = "Start one job for each slot; lines with the same value in `COLUMN` go to the same "
             "job. Implies `--pipe`."},
    {.name = "bin",
     .argument = Argument::kRequired,
     .metavar = "COLUMN",
     .group = Group::kPipe,
     .text = "Start one job for each slot; the value of `COLUMN` is the number of the job that a "
             "line goes to, modulo the number of slots. Implies `--pipe`."},
};

constexpr Flag kSemaphore[] = {
    {.name = "semaphore",
     .group = Group::kSemaphore,
     .text = "As `enjoin sem`: run one command when a semaphore has a place. `-j` says how many "
             "places there are (1)."},
    {.name = "fg",
     .group = Group::kSemaphore,
     .text = "Wait for the command, and exit with its status."},
    {.name = "bg",
     .group = Group::kSemaphore,
     .text = "Exit when the command has started. This is the default."},
    {.name = "wait",
     .group = Group::kSemaphore,
     .text = "Wait until all commands of the semaphore have ended."},
    {.name = "semaphore-name",
     .aliases = "semaphorename id",
     .argument = Argument::kRequired,
     .metavar = "NAME",
     .group = Group::kSemaphore,
     .text = "The semaphore's name. The default is the name of the terminal on stdin. Its places "
             "are locks of the kernel on a file in `~/.cache/enjoin/sem` (`$XDG_CACHE_HOME`): who "
             "is killed holds none. GNU parallel's are others."},
    {.name = "semaphore-timeout",
     .aliases = "semaphoretimeout st",
     .argument = Argument::kRequired,
     .metavar = "TIME",
     .group = Group::kSemaphore,
     .text = "Run the command after `TIME` even where there is no place. Negative: give up then, "
             "with exit status 1."},
};

}  // namespace

std::span<const Flag> pipe_flags() {
  return kFlags;
}

std::span<const Flag> semaphore_flags() {
  return kSemaphore;
}

}  // namespace enjoin
