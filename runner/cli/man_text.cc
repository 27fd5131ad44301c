#include "runner/cli/man_text.h"

namespace enjoin {

const std::string_view kManBeforeOptions = R"(# NAME
enjoin - run a command for many inputs, several at a time
# SYNOPSIS
`enjoin` [options] command `:::` input...

`enjoin` [options] command `::::` file...

`enjoin` [options] command `:::` input... `--then` [options] command [`:::` input...]...

... | `enjoin` [options] [command]
# DESCRIPTION
enjoin makes one job of each input, and runs several jobs at a time in a team of worker processes
on this machine. What a job writes is printed whole, and never mixed with what others write. Jobs
that fail, hang or leave processes behind are seen to and named. The command line is that of GNU
parallel; what differs is told below.

Options come before the command's first word. What follows that word belongs to the command, but for
the whole words `:::`, `::::`, `:::+`, `::::+` and `--then`: `enjoin -j4 grep -v x ::: *.txt` gives
`-v` to grep. `--` ends the options where the command itself begins with a dash.

`enjoin sem` runs one command under a semaphore; so does a link to enjoin that is called `sem`.
`enjoin run`, `enjoin resume` and `enjoin report` run pipelines, see enjoin-run(1). The first words
`stress` and `top` are kept for commands that enjoin is to get. For a program of such a name, write
`enjoin -- run` or `enjoin ./run`. When called by the name `parallel`, enjoin reserves no words.
## Inputs
Without `:::`, `::::` and `-a`, each line of standard input is an input. Jobs start before the end
of it is read. After `:::`, each argument is an input, and arrives as it is, with blanks, quotes and
newlines. After `::::`, each line of the files is an input; the file `-` is standard input. Where
several sources are given, each combination makes a job, and the last source varies fastest. A
source after `:::+` or `::::+` goes in step with the one before it.

Where no command is given, each input is a command line of its own.
## Stages
`--then` joins all jobs before it, and begins a stage with a command, inputs and options of its own:

    enjoin -j4 'cc -c {} -o {.}.o' ::: *.c --then 'cc -o app *.o' --then ./app --selftest

A stage without inputs runs its command once; it reads no standard input, and has nothing for `{}`.
All jobs of a stage run, also where one fails; the next stage then is not begun, but for
`--keep-going`. The numbers of jobs (`{#}`) go on from stage to stage. `-j`, `-k`, `--joblog` with
`--resume` and `--resume-failed`, `--dry-run`, `--keep-going`, `--quiet` and what shows progress hold
for the later stages too; all other options are a stage's own. `--then` is no word of enjoin's when it
is called by the name `parallel`. `--then-sep` gives it another name.
## How a command is run
The words of the command are joined by blanks and read as a shell would read them, so a command may
be a pipeline in quotes. Inputs are quoted as they are put in: no input can be mistaken for shell
syntax. Where the command has no replacement string, the input is put at its end. A command without
shell syntax is executed without a shell. Otherwise the shell is `$PARALLEL_SHELL`, or the one
that enjoin was started from, or `$SHELL`, or /bin/sh. Functions of bash that were exported by
`export -f` can be used as commands. The standard input of jobs is empty.
# EXAMPLES
Compress all logs, as many at once as there are CPUs:

    enjoin gzip -k {} ::: *.log

The same for files of any name below a folder:

    find logs -name '*.log' -print0 | enjoin -0 gzip -k

Convert images, name the results after them, and show a progress bar:

    enjoin --bar convert {} -resize 50% small/{/.}.jpg ::: *.png

Every combination of two sources:

    enjoin ./train --rate {1} --seed {2} ::: 0.1 0.01 ::: 1 2 3

Search many files with few processes:

    find src -name '*.c' | enjoin -X grep -n strcpy

Fetch a list of addresses, eight at a time, each at most three times and 30 seconds; keep a log:

    enjoin -j8 --retries 3 --timeout 30 --joblog log curl -fsSO :::: urls

See what would be run:

    enjoin --dry-run mv {} {.}.bak ::: *.txt

Stop at the first failure, and prefix each line with its input:

    enjoin --halt now,fail=1 --tag make -C {} test ::: libs/*
# REPLACEMENT STRINGS
- `{}`: the input
- `{.}`: the input without its extension
- `{/}`: its base name: what follows the last slash
- `{//}`: its folder: what precedes the last slash, or a dot
- `{/.}`: its base name without extension
- `{#}`: the number of the job, from 1
- `{%}`: the number of the job's slot, from 1 to the number of jobs at once
- `{2}`: the input from the second source, or with `-N` the job's second input; so are `{2.}`,
`{2/}`, `{2//}` and `{2/.}`
- `{-1}`: the input from the last source, and so on backwards
)";

const std::string_view kManOptionsIntro =
    R"(Long options may be shortened as long as it is clear which is meant, and letters may be bundled:
`-kj4` is `--keep-order --jobs=4`. Values follow in the same word or in the next. Of an option given
twice, the last value counts.
## Options from elsewhere
The words of the environment variable `PARALLEL` are read as options before those of the command
line, which win. They are cut as a shell would cut them. Words that are no options go before the
command: `PARALLEL='-j4 nice'` runs each job under nice.

`-J NAME` reads a profile in the same way, before them: a file of ~/.parallel (or of
`$PARALLEL_HOME`), or any file where the name begins with `/` or `./`. Lines that begin with `#` are
left out. When called by the name `parallel`, and without `-J`, enjoin reads /etc/parallel/config and
~/.parallel/config. `--plain` turns all of this off.
)";

const std::string_view kManAfterOptions = R"(# EXIT STATUS
- 0: all jobs succeeded
- 1-100: so many jobs failed
- 101: more than 100 jobs failed
- 255: wrong usage, an error of enjoin's own, its output could not be written (or nobody reads it
any more), or it was ended by SIGINT, SIGTERM or SIGHUP

With `--halt`, once the rule is met: where one job is enough for it (`fail=1`, `done=1`), the status
is that job's own, or 128+n if signal n ended it. `success` rules that are met give 0. Rules with a
percentage otherwise give the percentage of all jobs that failed, rounded up.
# JOBLOG
`--joblog` writes a table with a TAB between columns and one header line. A line is written once a
job has ended for good and its output has been printed: as jobs end, or with `-k` in the order
of the inputs.

- `Seq`: the number of the job, as `{#}`
- `Host`: always a colon, which is this machine
- `Starttime`: seconds since 1970, with milliseconds
- `JobRuntime`: seconds
- `Send`: always 0
- `Receive`: the bytes that the job wrote to stdout
- `Exitval`: its exit status; 128+n where signal n ended it; -1 where it timed out; 126 or 127
where it could not be started; 255 where its worker died or its output could not be kept
- `Signal`: the signal that ended it, or 0
- `Command`: the command line that was run

Jobs that were stopped because enjoin itself was, or by `--halt now`, have no line, so that they
count as not done.
# ENVIRONMENT
Read by enjoin:

- `PARALLEL`: options, see OPTIONS
- `PARALLEL_HOME`: where profiles are, in place of ~/.parallel
- `PARALLEL_SHELL`: the shell that runs command lines
- `SHELL`: the same, where `PARALLEL_SHELL` is not set and no shell started enjoin
- `TMPDIR`: where output is kept until it is printed; else /tmp. Nothing in it has a name.
- `MAKEFLAGS`: whether a make offers slots, see `--jobserver`
- `ENJOIN_WORKER`: the worker program, where it is not the one that was installed with enjoin

Set for each job:

- `PARALLEL_SEQ`: the number of the job, as `{#}`
- `PARALLEL_JOBSLOT`: the number of its slot, as `{%}`
- `PARALLEL_PID`: the process id of enjoin
- `MAKEFLAGS`: only where enjoin shares out slots, see `--jobserver`
# SIGNALS
- `SIGINT`, `SIGTERM`: At the first, no more jobs are started. The running ones are stopped with all
processes that they have started: first by SIGTERM, and after a short while by SIGKILL. What they
wrote is printed, they are named on stderr, and enjoin exits with 255. A second signal kills them at
once.
- `SIGHUP`: No more jobs are started. The running ones are waited for. The exit status is 255 where
any job was not started for it.
- `SIGTSTP`: Control-Z stops enjoin and its jobs, and fg goes on with both.

If enjoin itself is killed by SIGKILL, its workers notice, kill their jobs and exit.
# DIFFERENCES FROM GNU PARALLEL
enjoin follows GNU parallel 20221122 in what options mean and how they combine, but for this:

- Newlines: A newline inside an argument of `:::` stays inside it; GNU parallel makes two jobs of it.
- Number of jobs: The default is the number of CPUs that may really be used, by the affinity mask and
the cgroup's quota. A number below one, as of `-j -100`, is one.
- Numbers: They take suffixes, but are no arithmetic expressions. A malformed number or time is an
error; GNU parallel takes some for zero.
- Delimiters: All escapes of `-d` are resolved, such as `\x41` and `\\`, and an unknown or empty one
is an error. `--tagstring=` with an empty value is accepted.
- `--halt`: A value of 0 is an error. With `done=N`, the exit status is the number of failed jobs
also when it is 0.
- Stopping: A timeout or an interruption stops all processes of a job, not its process group only,
and what an interrupted job had written is printed.
- Joblog: A job that signal n ended has 128+n and n, as in releases of GNU parallel since 20221222.
- `:::` alone: With neither a command nor inputs this is an error, unless `-r` is given or enjoin is
called `parallel`.
- Configuration: The default profiles are read only when enjoin is called `parallel`.
)";

const std::string_view kManEnd = R"(# SEE ALSO
`parallel`(1), `xargs`(1), `make`(1), `setrlimit`(2), `cgroups`(7)
)";

}  // namespace enjoin
