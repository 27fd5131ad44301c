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

Folders that outputs lie in are made before a job starts. A job fails that exits with 0 and has not
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

const std::string_view kManRunEnd = R"(# EXIT STATUS
- `0`: all jobs succeeded, or were done before.
- `1` to `100`: so many jobs failed; those of a stage with `allow_failure` do not count.
- `101`: more than 100 jobs failed.
- `255`: the run was stopped by a signal, something is wrong with its options or files, or enjoin
itself could not go on.
# SEE ALSO
enjoin(1)
)";

}  // namespace enjoin
