#!/usr/bin/env python3
"""The library's pool beside Python's pools, Boost's message_queue and oneTBB: a Markdown table.

    cmake --preset release -DENJOIN_BENCH=ON && cmake --build --preset release
    bench/library_pool.py             # some minutes on two cores
    bench/library_pool.py --quick     # a tenth of the work: for trying changes, not for quoting

A ratio is that of two medians of alternating runs: above 1, enjoin is faster. What each contender
does is written at the head of its source beside this file. Python is /usr/bin/python3, for joblib
is Debian's package; what is not installed is left out.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True  # nothing is left beside the sources

import measure
from rows import Result

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="alternating runs of each (default: 5)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, and two runs")
    parser.add_argument("--only", action="append", choices=list(ROWS), help="this row")
    parser.add_argument("--peers", metavar="FOLDER", default="build/release/bench",
                        help="where the programs were built (default: %(default)s)")
    return parser.parse_args()


class Pools:
    """What is run, and how often."""

    def __init__(self, options):
        self.folder = os.path.abspath(options.peers)
        self.runs = 2 if options.quick else options.runs
        self.scale = 10 if options.quick else 1

    def ours(self, *words):
        return [os.path.join(self.folder, "function_pool"), *map(str, words)]

    def peer(self, name, *words):
        return [os.path.join(self.folder, name), *map(str, words)]

    def python(self, *words):
        return [PYTHON, os.path.join(HERE, "python_pools.py"), *map(str, words)]

    @staticmethod
    def output(argv):
        return json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)

    def run(self, contenders):
        """{name: median jobs a second}, the runs of all in turn. What cannot be run is left out."""
        rates = {name: [] for name in contenders}
        for number in range(self.runs):
            for name, argv in contenders.items():
                if rates[name] is None:
                    continue
                measure.show_progress(f"run {number + 1} of {self.runs}: {name}")
                done = subprocess.run(argv, check=False, stdout=subprocess.PIPE) \
                    if os.path.exists(argv[0]) else None
                if done is None or done.returncode != 0:
                    print(f"library_pool: not measured: {' '.join(argv)}", file=sys.stderr)
                    rates[name] = None
                    continue
                rates[name].append(json.loads(done.stdout)["jobs_per_second"])
        measure.show_progress("")
        return {name: statistics.median(rate) for name, rate in rates.items() if rate}


def compare(what, rates, mine, goals, unit="jobs/s"):
    """A Result for each peer; with unit "s", of seconds a job."""
    if mine not in rates:
        return []
    results = []
    for peer, goal in goals.items():
        if peer not in rates:
            continue
        ratio = rates[mine] / rates[peer]
        ours, theirs = rates[mine], rates[peer]
        if unit == "ns":
            ours, theirs = 1e9 / ours, 1e9 / theirs
        results.append(Result(what, ours, unit, peer, theirs, ratio,
                              f">= {goal:g}" if goal else "", ratio >= goal if goal else None))
    return results


def jobs(pools):
    """int -> int, two workers, results collected"""
    count = 3_000_000 // pools.scale
    slow = 30_000 // pools.scale
    rates = pools.run({
        "processes": pools.ours("map", "processes", count),
        "a Future each": pools.ours("futures", "processes", count),
        "threads": pools.ours("map", "threads", count),
        "ProcessPoolExecutor.map, chunk 1": pools.python("executor", slow),
        "Pool.map, chunk 1": pools.python("pool", slow * 3),
        "joblib, its own batches": pools.python("joblib", slow * 10),
        "Boost message_queue pool, 64 bytes": pools.peer("mq_pool", count),
        "oneTBB, threads, a task each": pools.peer("tbb_pool", count),
    })
    goals = {"ProcessPoolExecutor.map, chunk 1": 50, "Pool.map, chunk 1": 20,
             "joblib, its own batches": 3, "Boost message_queue pool, 64 bytes": 0,
             "oneTBB, threads, a task each": 0, "a Future each": 0}
    results = compare("`map`, 2 processes", rates, "processes", goals)
    results += compare("`submit_each` and `get`, 2 processes", rates, "a Future each",
                       {"ProcessPoolExecutor.map, chunk 1": 50, "Pool.map, chunk 1": 20})
    results += compare("`map`, 2 threads", rates, "threads",
                       {"oneTBB, threads, a task each": 0, "processes": 0})
    return results


def roundtrip(pools):
    """submit-to-result, one at a time"""
    rounds = 20_000 // pools.scale
    results = []
    for cores, goal, cpus in (("two", 3, None), ("one", 10, "0")):
        pin = ["/usr/bin/taskset", "-c", cpus] if cpus else []
        rates = pools.run({
            "processes": pools.ours("roundtrip", "processes", cores, rounds),
            "threads": pools.ours("roundtrip", "threads", cores, rounds),
            "Pool.apply": pin + pools.python("apply", rounds // 4),
        })
        where = "across cores" if cores == "two" else "on one core"
        for placement in ("processes", "threads"):
            results += compare(f"one call at a time {where}, {placement}", rates, placement,
                               {"Pool.apply": goal}, "ns")
    return results


def start(pools):
    """a pool of 8: made, one job each, joined"""
    rates = pools.run({"processes": pools.ours("start", "processes", 8),
                       "processes, static": pools.peer("function_pool_static", "start",
                                                       "processes", 8),
                       "processes, forked": pools.ours("start", "processes", 8, "fork"),
                       "threads": pools.ours("start", "threads", 8),
                       "Python: 8 Processes": pools.python("start", 8)})
    what = "a pool of 8 made, one call each, joined (a worker)"
    return (compare(what, rates, "processes", {"Python: 8 Processes": 5, "threads": 0}, "ns") +
            compare(what + ", the program linked statically", rates, "processes, static",
                    {"Python: 8 Processes": 5}, "ns") +
            compare(what + ", Start::kFork", rates, "processes, forked",
                    {"Python: 8 Processes": 5}, "ns"))


def placement(pools):
    """threads or processes: what waits, what computes, what allocates"""
    results = []
    for kind, workers, count, what in (
            ("wait", 64, 20_000, "calls that wait 1 ms, 64 workers"),
            ("compute", 2, 2_000, "calls that compute 0.4 ms, 2 workers"),
            ("allocate", 2, 2_000, "calls that allocate all the time, 2 workers"),
            ("large", 0, 1_000, "1 MB there and 1 MB back, 2 workers")):
        numbers = [workers, count // pools.scale] if workers else [count // pools.scale]
        rates = pools.run({name: pools.ours(kind, name, *numbers)
                           for name in ("threads", "processes")})
        results += compare(f"{what}: threads", rates, "threads", {"processes": 0})
    return results


def kill(pools):
    """SIGKILL of a worker during a map"""
    count = 100_000 // pools.scale
    ours = pools.output(pools.ours("kill", "processes", count))
    executor = pools.output(pools.python("killed", "executor", count // 10))
    pool = pools.output(pools.python("killed", "pool", count // 10))
    what = f"SIGKILL of a worker during {count:,} calls: "
    good = ours["failed"] == 1 and ours["wrong"] == 0
    hangs = "hangs (ten seconds waited)" if pool["failed"] < 0 else f"{pool['failed']} fail"
    return [Result(what + "calls that fail", ours["failed"], "call",
                   f"ProcessPoolExecutor: {executor['failed']:,} of {count // 10:,} fail; "
                   f"Pool.map {hangs}", goal="1, all others exact", met=good),
            Result(what + "longest time without a result", ours["stall"], "s", goal="< 20 ms",
                   met=ours["stall"] < 0.02)]


ROWS = {"jobs": jobs, "roundtrip": roundtrip, "start": start, "kill": kill,
        "placement": placement}


def main():
    options = arguments()
    pools = Pools(options)
    if not os.path.exists(pools.ours()[0]):
        sys.exit(f"library_pool: no {pools.ours()[0]}; build it:\n"
                 "  cmake --preset release -DENJOIN_BENCH=ON && cmake --build --preset release")
    results = []
    for name in options.only or ROWS:
        print(f"{name}: {ROWS[name].__doc__}", file=sys.stderr)
        results += ROWS[name](pools)
    print("\n".join(measure.machine()[:1]))
    print(f"\nMedian of {pools.runs} alternating runs; load {os.getloadavg()[0]:.1f} at the end.\n")
    print("| what | enjoin | against | ratio | goal | |\n|---|---|---|---|---|---|")
    for result in results:
        print("| " + " | ".join(result.cells()) + " |")


if __name__ == "__main__":
    main()
