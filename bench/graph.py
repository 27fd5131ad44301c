#!/usr/bin/env python3
"""Graphs of jobs: the figures of stages, pipelines and machine-made graphs, as a Markdown table.

    cmake --preset release && cmake --build --preset release
    bench/graph.py                     # all rows, about ten minutes on two cores
    bench/graph.py --only tree --runs 9
    bench/graph.py --quick             # a tenth of the work: for trying changes, not for quoting

A ratio is that of two medians of alternating runs: above 1, enjoin is faster. Memory is the most
that was resident (ru_maxrss), the program's own text included, of the process that reads the graph.
"""
import argparse
import json
import os
import shutil
import sqlite3
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing is left beside the sources

import measure
from measure import Contender, median
from rows import Result, amount, expect, faster
import run

LOOP = "import json, sys\nfor line in open(sys.argv[1]):\n    json.loads(line)\n"
STAGES, WIDTH = 100, 100


class Bench:
    def __init__(self, enjoin, scratch, runs, scale):
        self.enjoin, self.scratch, self.runs, self.scale = enjoin, scratch, runs, scale
        self.env = run.environment(scratch)

    def path(self, name):
        return os.path.join(self.scratch, name)

    def write(self, name, lines):
        """A file of these lines, made once."""
        path = self.path(name)
        if not os.path.exists(path):
            with open(path, "w") as file:
                file.writelines(line + "\n" for line in lines)
        return path

    def alternate(self, *contenders):
        return measure.alternate(contenders, self.runs, self.env)

    def resident(self, argv):
        """The most bytes that were resident in the process, not in those that it starts.

        Never less than this script itself takes (16 MB): the kernel counts what was before exec.
        """
        pid = os.fork()
        if pid == 0:
            sink = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(sink, fd)
            os.execve(argv[0], argv, self.env)
        _, status, use = os.wait4(pid, 0)
        expect(status == 0, f"{os.path.basename(argv[0])} ended with wait status {status}")
        return use.ru_maxrss * 1024


def dry_run(bench, path):
    return [bench.enjoin, "run", "--no-db", "--dry-run", path]


def reading_only(bench, path):
    """Ends when all is read, checked and planned: the last line needs a job that there is not."""
    cut = path + ".reading.jsonl"
    if not os.path.exists(cut):
        shutil.copyfile(path, cut)
        with open(cut, "a") as file:
            file.write(json.dumps({"id": "last", "sh": ":", "needs": ["nobody"]}) + "\n")
    return ["/bin/sh", "-c", '"$@" 2>/dev/null; [ $? -eq 255 ]', "sh", *dry_run(bench, cut)]


def less_memory(what, ours, peer, theirs):
    return Result(what, ours, "bytes", peer, theirs, theirs / ours, "> 1", ours < theirs)


# ---- reading ---------------------------------------------------------------------------------


def tree_needs(number, count):
    """Of a binary tree's node: its children, if it has any."""
    return [child for child in (2 * number, 2 * number + 1) if child <= count]


def tree(bench):
    """a binary tree of 100,000 commands, dry run, beside ninja"""
    count = 100_000 // bench.scale
    jobs = bench.write("tree.jsonl", (
        json.dumps({"id": f"out/{n}", "argv": ["/bin/touch", f"out/{n}"],
                    "needs": [f"out/{child}" for child in tree_needs(n, count)]})
        for n in range(1, count + 1)))
    rule = ["rule touch", "  command = /bin/touch $out"]
    ninja = bench.write("tree.ninja", rule + [
        f"build out/{n}: touch " + " ".join(f"out/{child}" for child in tree_needs(n, count))
        for n in range(1, count + 1)])
    ours = dry_run(bench, jobs)
    theirs = [shutil.which("ninja"), "-C", bench.scratch, "-n", "-f", ninja]
    times = bench.alternate(Contender("enjoin", ours), Contender("ninja -n", theirs))
    what = f"binary tree of {count:,} commands, dry run"
    return [faster(what, times, "enjoin", "ninja -n", 2),
            less_memory("memory of that", bench.resident(ours), "ninja -n", bench.resident(theirs))]


def lines(bench):
    """a million jobs as JSON Lines, beside a bare loop of json.loads"""
    count = 1_000_000 // bench.scale
    path = bench.write(f"jobs-{count}.jsonl", (
        json.dumps({"id": f"job-{n:07}", "argv": ["/usr/bin/process", f"data/{n:07}.in"],
                    "needs": [f"job-{n - 1000:07}"] if n > 1000 else []})
        for n in range(1, count + 1)))
    few = bench.write("few.jsonl", ['{"id": "a", "argv": ["/bin/true"]}'])
    ours = dry_run(bench, path)
    loop = "Python loop of json.loads"
    listed = "with all commands listed"
    times = bench.alternate(Contender("enjoin", reading_only(bench, path)), Contender(listed, ours),
                            Contender(loop, [sys.executable, "-c", LOOP, path]))
    each = (bench.resident(ours) - bench.resident(dry_run(bench, few))) / count
    text = os.path.getsize(path) / count
    what = f"{count:,} jobs as JSON Lines, read, checked and planned"
    return [faster(what, times, "enjoin", loop, 1),
            faster("that and all commands listed (--dry-run)", times, listed, loop, 0),
            Result(f"memory of that for each job (its line: {text:.0f} bytes)", each, "bytes each",
                   goal="< 500", met=each < 500)]


# ---- joins -----------------------------------------------------------------------------------


def stages_of(count, width):
    for stage in range(count):
        yield stage, [f"s{stage}j{job}" for job in range(width)]


def joined_pipeline(count, width):
    for stage, _ in stages_of(count, width):
        yield "[[stage]]"
        yield f'name = "s{stage}"'
        yield 'command = ["/bin/true"]'
        items = ", ".join(f'"{job}"' for job in range(width))
        yield f"foreach = [{items}]"
        if stage > 0:
            yield f'needs = ["s{stage - 1}"]'


def joined_ninja(count, width):
    yield "rule true"
    yield "  command = /bin/true"
    for stage, jobs in stages_of(count, width):
        before = f" || s{stage - 1}" if stage > 0 else ""
        for job in jobs:
            yield f"build {job}: true{before}"
        yield f"build s{stage}: phony " + " ".join(jobs)


def joined_make(count, width):
    yield f"all: s{count - 1}"
    for stage, jobs in stages_of(count, width):
        before = f" s{stage - 1}" if stage > 0 else ""
        yield ".PHONY: " + " ".join(jobs) + f" s{stage}"
        yield " ".join(jobs) + f":{before}"
        yield "\t@/bin/true"
        yield f"s{stage}: " + " ".join(jobs)


def joins(bench):
    """10,000 /bin/true in 100 stages of 100, a join between each"""
    count = STAGES // bench.scale
    pipeline = bench.write("joined.toml", joined_pipeline(count, WIDTH))
    flat = bench.write("flat.jsonl", (json.dumps({"id": f"j{n}", "argv": ["/bin/true"]})
                                      for n in range(count * WIDTH)))
    ninja = bench.write("joined.ninja", joined_ninja(count, WIDTH))
    make = bench.write("joined.mk", joined_make(count, WIDTH))
    ours = [bench.enjoin, "run", "--no-db", "--quiet", "-j2"]
    without = "itself without stages"
    times = bench.alternate(
        Contender("enjoin", [*ours, "-f", pipeline]),
        Contender(without, [*ours, flat]),
        Contender("ninja -j2", ["ninja", "-C", bench.scratch, "-j2", "-f", ninja]),
        Contender("make -j2", ["make", "-C", bench.scratch, "-j2", "-f", make]))
    what = f"{count * WIDTH:,} `/bin/true` in {count} stages of {WIDTH}, joined"
    return [faster(what, times, "enjoin", peer, goal)
            for peer, goal in ((without, 0.8), ("ninja -j2", 2), ("make -j2", 1.05))]


# ---- the record ------------------------------------------------------------------------------


def record(bench):
    """10,000 /bin/true, recorded and not"""
    count = 10_000 // bench.scale
    flat = bench.write("recorded.jsonl", (json.dumps({"id": f"j{n}", "argv": ["/bin/true"]})
                                          for n in range(count)))
    database = bench.path("record.db")

    def forget():
        for name in os.listdir(bench.scratch):
            if name.startswith("record.db"):
                os.remove(bench.path(name))

    ours = [bench.enjoin, "run", "--quiet", "-j2"]
    without = "itself with --no-db"
    times = bench.alternate(Contender("enjoin", [*ours, "--db", database, flat], check=forget),
                            Contender(without, [*ours, "--no-db", flat]))
    return [faster(f"{count:,} `/bin/true`, recorded", times, "enjoin", without, 0.95)]


SELECT = "SELECT hex(key), command_hash, environment_hash, input_hash, done FROM jobs"


def resume(bench):
    """a run of a million recorded jobs, to its first new job"""
    count = 1_000_000 // bench.scale
    jobs = bench.write("many.jsonl", (json.dumps({"id": f"j{n}", "sh": ":"})
                                      for n in range(count)))
    database = bench.path("many.db")
    ours = [bench.enjoin, "run", "--quiet", "-j2", "--db", database]
    measure.show_progress("recording them")
    measure.run_once(Contender("enjoin", [*ours, jobs]), bench.env)
    with sqlite3.connect(database) as base:
        recorded = base.execute("SELECT count(*) FROM jobs").fetchone()[0]
    expect(recorded == count, f"{recorded} of {count} jobs were recorded")
    # One more job is what a resumed run would still have to do; then the run is over.
    more = bench.path("more.jsonl")
    shutil.copyfile(jobs, more)
    with open(more, "a") as file:
        file.write(json.dumps({"id": "new", "sh": "false"}) + "\n")
    first = ["/bin/sh", "-c", '"$@"; [ $? -eq 1 ]', "sh", *ours, more]
    reading = "reading the graph"
    select = "sqlite3, all identities"
    times = bench.alternate(Contender("enjoin", first),
                            Contender(reading, reading_only(bench, more)),
                            Contender(select, ["sqlite3", database, SELECT]))
    mine, graph = median(times["enjoin"]), median(times[reading])
    theirs = median(times[select])
    what = f"{count:,} recorded jobs, to the end of the first new one"
    return [Result(what, mine, "s", select, theirs, theirs / mine, "reported"),
            Result(f"that without reading the graph ({amount(graph, 's')})", mine - graph, "s",
                   select, theirs, theirs / (mine - graph), "time <= 2 x",
                   mine - graph <= 2 * theirs)]


ROWS = {row.__name__: row for row in (tree, lines, joins, record, resume)}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", metavar="NAME", choices=list(ROWS),
                        help="this row (may be given again): " + ", ".join(ROWS))
    parser.add_argument("--runs", type=int, default=5, help="alternating runs of each (default: 5)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, and two runs")
    parser.add_argument("--enjoin", metavar="PATH", default="build/release/enjoin")
    return parser.parse_args()


def main():
    options = arguments()
    enjoin = shutil.which(os.path.abspath(options.enjoin))
    if not enjoin:
        sys.exit(f"bench: no program {options.enjoin}: build it, or name it with --enjoin PATH")
    results, failures = [], []
    with tempfile.TemporaryDirectory(prefix="enjoin-bench-") as scratch:
        bench = Bench(enjoin, scratch, 2 if options.quick else options.runs,
                      10 if options.quick else 1)
        for name in options.only or ROWS:
            print(f"{name}: {ROWS[name].__doc__}", file=sys.stderr)
            try:
                results += ROWS[name](bench)
            except measure.Failed as failed:
                failures.append(f"{name}: not measured: {failed}")
                print(failures[-1], file=sys.stderr)
    print("\n".join(measure.machine()))
    print(", ".join(measure.first_line(name, "--version") for name in ("make", "sqlite3"))
          + ", ninja " + measure.first_line("ninja", "--version"))
    print(f"\nMedian of {bench.runs} alternating runs"
          + (", a tenth of the work (--quick)" if options.quick else "") + ".\n")
    print("\n".join([run.report(results), *failures]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
