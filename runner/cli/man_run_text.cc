#include "runner/cli/man_text.h"

namespace enjoin {

const std::string_view kManRunBeforeOptions = R"(# NAME
enjoin-run, enjoin-resume, enjoin-report - run jobs in stages, go on, look at what happened
# SYNOPSIS
`enjoin run` [options] [stage...]

`enjoin run` [options] file.jsonl | `-`

`enjoin resume` [options]

`enjoin report` [options]
# DESCRIPTION
`enjoin run` runs the stages that a pipeline file describes, `pipeline.toml` where `-f` names no
other. A stage starts when those that it needs have ended well; its jobs run several at a time. With
the names of stages, these are run, and what they need.

    [[stage]]
    name = "compile"
    foreach = { source = { glob = "*.c" } }
    run = "cc -c {source} -o {out}"
    outputs = ["{source}.o"]

    [[stage]]
    name = "link"
    needs = ["compile"]
    run = "cc -o app {compile.outputs}"
    outputs = ["app"]

With a file whose name ends in `.jsonl`, or `-` for standard input, it runs the jobs of a graph that
a program has made: one job a line, as JSON. Jobs run while more are read.

What has happened is recorded in a database, `.enjoin/record.db`. A job that an earlier run brought
to a good end is not run again while its command, its declared environment, what its declared inputs
hold, and the presence of its outputs are what they were. So a run that was stopped, or killed, goes
on where it was: `enjoin resume` runs what was run last, with the same options. Options given to
resume come on top of them.

`enjoin report` tells what happened in the last run.

Folders that outputs lie in are made before a job starts, and what is there of its outputs is
removed, but for paths that are among its inputs too. A job fails that exits with 0 and has not
made all its outputs. What a failed attempt leaves of its outputs is removed, but for folders that
are not empty.

After a failure nothing more is started, and what runs comes to its end; see `--keep-going`. INT and
TERM stop all jobs, a second time at once; HUP lets the running ones end. ^Z suspends them.

The files and the database are described in full in docs/pipelines.md, docs/jsonl.md and
docs/record.md of enjoin.
# EXAMPLES
Run a pipeline, four jobs at a time, with a variable of its own:

    enjoin run -j4 --set ref=hg38.fa

See what it would do:

    enjoin run --list; enjoin run --graph=text; enjoin run --dry-run

Go on after a failure was mended, and look at what failed before:

    enjoin report; enjoin resume

Jobs from a program, with a log of events for another:

    ./make-jobs | enjoin run --events events.jsonl -
)";

const std::string_view kManRunOptionsIntro =
    R"(Options and operands may come in any order. Long names
may be shortened as long as they are clear. `--` ends the options.
)";

const std::string_view kManRunEnd = R"(# THE PIPELINE FILE
A TOML file. `[vars]` holds variables (see `--set`), `[defaults]` what holds for every stage that
does not say otherwise, `[pools]` limits that stages share: `network = 3`, or the values that are
handed out, `gpu = ["0", "1"]`. Each `[[stage]]` has a `name`, a `run` (a text for the shell) or a
`command` (an array, run without a shell), and any of these:
- `foreach`: its items, one job each: patterns (`"src/*.c"`), `["1", "X"]`, `{ lines = "ids.txt" }`,
`{ command = "git ls-files" }`, `{ csv = "s.csv" }`, `{ tsv = "s.tsv" }`, `{ from = "align" }`, names
of your own for these (`{ chrom = ["1", "X"], file = { glob = "*.bam" } }`: all combinations), or
`{ linked = { a = ..., b = ... } }`: in step.
- `needs`: stages that end first. `needs_each`: stages, job by job; with
`{ stage = "call", by = "sample" }`, those with the same value in a column.
- `when`: `"success"`, `"failure"` or `"always"`: how those that it needs came out.
- `inputs`, `outputs`: paths, or patterns.
- `stdin`, `stdout`, `stderr`: paths.
- `env`: a table; `NAME = false` takes a variable away. `cwd`: a folder. `shell`: the default is
`"bash -euo pipefail"`.
- `timeout`: `"90s"`. `attempts`: 3, or `{ times = 3, delay = "10s", backoff = 2 }`.
- `jobs`: how many of them run at once at most. `pool`: pools that each takes a place in. `cpus`: of
`-j`. `memory`: `"8G"`, or an array by attempt.
- `leftovers`: `"keep"`, `"report"`, `"kill"` (the default) or `"fail"`. `isolate`: `true`.
- `allow_failure`: `true`.

In texts, `{NAME}` is a variable, a column of the item, or the value of a pool; `{item}` the item;
`{out}` and `{outputs}` the job's own outputs; `{STAGE.out}` and `{STAGE.outputs}` those of the jobs
that it needs; `{STAGE.outputs@file}` a file that lists them; `{cpus}`, `{memory}` and `{attempt}`
what it may take. Braces around anything else stay as they are. In `run` each value is quoted: it is
one word of the shell, whatever it holds.
# GRAPHS AS JSON LINES
One object a line, in any order. `argv` (an array) or `sh` (a text for the shell) is what runs; `id`
names the job, `needs` holds the ids that end first. Further keys: `stage`, `shell`, `cwd`, `env`,
`stdin`, `stdout`, `stderr`, `inputs`, `outputs`, `timeout`, `attempts`, `retry_delay`,
`retry_backoff`, `memory`, `cpus`, `pool`, `expected`, `leftovers`, `isolate`, `allow_failure`.

    {"id": "a", "argv": ["cc", "-c", "a.c"], "outputs": ["a.o"]}
    {"id": "app", "sh": "cc -o app *.o", "needs": ["a"], "outputs": ["app"]}
# FILES
- `pipeline.toml`: the pipeline, where `-f` names no other.
- `.enjoin/record.db`: the record of runs, an SQLite database.
- `.enjoin/output`: what jobs wrote, where it is too much for the database.
- `.enjoin/lists`: the files of `@file`.
# EXIT STATUS
- `0`: all jobs succeeded, or were done before.
- `1` to `100`: so many jobs failed; those of a stage with `allow_failure` do not count.
- `101`: more than 100 jobs failed.
- `255`: the run was stopped by a signal, something is wrong with its options or files, or enjoin
itself could not go on.
# SEE ALSO
enjoin(1)
)";

}  // namespace enjoin
