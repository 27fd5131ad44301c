#!/usr/bin/env python3
"""What safety costs: throughput with the robust path and without it, as a Markdown table.

    cmake --preset release -DENJOIN_BENCH=ON && cmake --build --preset release
    bench/safety.py                               # the lock alone: robust, plain, spinning
    bench/safety.py --before DIR                  # and all of it: beside an older build

DIR is the build folder of a commit from before the keeper, the watchdog, the checksums and our own
robust lock (7985972, say), made with the same flags:

    git archive --prefix=before/ 7985972 | tar x -C /tmp
    cmake -S /tmp/before -B /tmp/before/build -DENJOIN_BENCH=ON -DENJOIN_TESTS=OFF
    cmake --build /tmp/before/build && bench/safety.py --before /tmp/before/build

Runs alternate, medians are compared; the goal is that nothing costs more than 5 %. Where the machine
has other work, believe the ratio of processor times, which does not depend on it as much.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # nothing is left beside the sources

import measure
import rows
import run

GOAL = 0.95


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--before", metavar="DIR", help="build folder of an older commit")
    parser.add_argument("--after", metavar="DIR", default="build/release")
    parser.add_argument("--runs", type=int, default=9, help="alternating runs (default: 9)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--json", metavar="FILE", help="all samples, too")
    return parser.parse_args()


def cpu_seconds():
    """Processor time of all that was run and waited for, the workers' included."""
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


LONGEST = 60  # seconds; builds from before could stand still in a flood of no-ops


def run_once(bench, argv, stdin):
    """Seconds, processor seconds, and how often it had to be begun anew because it hung."""
    for hung in range(10):
        used, begin = cpu_seconds(), time.perf_counter()
        with open(stdin, "rb") as source:
            process = subprocess.Popen(argv, stdin=source, stdout=subprocess.DEVNULL, env=bench.env)
        try:
            status = process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            continue
        if status != 0:
            raise measure.Failed(f"{argv[0]} ended with status {status}")
        return time.perf_counter() - begin, cpu_seconds() - used, hung
    raise measure.Failed(f"{argv[0]} hung again and again")


def compare(bench, what, unsafe, safe, amount=None):
    """Two contenders, (argv, stdin): how fast the safe one is beside the other."""
    walls, cpus, hangs = ([], []), ([], []), [0, 0]
    for number in range(bench.runs):
        measure.show_progress(f"run {number + 1} of {bench.runs}: {what}")
        for index, (argv, stdin) in enumerate((unsafe, safe)):
            wall, cpu, hung = run_once(bench, argv, stdin)
            walls[index].append(wall)
            cpus[index].append(cpu)
            hangs[index] += hung
    measure.show_progress("")
    without, with_it = map(measure.median, walls)
    unit = "jobs/s" if amount else "s"
    shown = [rows.amount(amount / seconds if amount else seconds, unit)
             for seconds in (without, with_it)]
    for index, hung in enumerate(hangs):
        shown[index] += f" (hung {hung} times)" if hung else ""
    return {"what": what, "without": shown[0], "with": shown[1], "ratio": without / with_it,
            "cpu": measure.median(cpus[0]) / measure.median(cpus[1]),
            "met": without / with_it >= GOAL, "walls": walls, "cpus": cpus}


def locks(bench, pool):
    """The queue as a pool, jobs claimed many at once and one by one; our lock and others."""
    count = 10_000_000 // bench.scale
    results = []
    for claim, jobs in ((256, count), (1, count // 10)):
        for lock in ("plain", "spin"):
            argv = [str(jobs), "1024", str(claim)]
            results.append(compare(
                bench, f"queue, {claim} claimed at a time: robust lock against a {lock} one",
                ([f"{pool}_{lock}", *argv], os.devnull), ([pool, *argv], os.devnull), jobs))
    return results


def whole(bench, before, after):
    """The program, and the queue, before all of it and with it."""
    spawned, no_ops = 6000 // bench.scale, 5_000_000 // bench.scale
    trues, colons = bench.lines(spawned), bench.lines(no_ops, text=":")
    one = "for i in $(seq {}); do {} /bin/true ::: x; done"
    starts = 200 // bench.scale

    def pair(argv, stdin):
        return [([os.path.join(folder, "enjoin"), *argv], stdin) for folder in (before, after)]

    pools = [os.path.join(folder, "bench", "queue_pool") for folder in (before, after)]
    pooled = 10_000_000 // bench.scale
    return [
        compare(bench, f"`/bin/true` x {spawned:,}, `-j2`", *pair(["-j2", "/bin/true"], trues),
                spawned),
        compare(bench, f"`/bin/true` x {spawned:,}, `-j2 -k`",
                *pair(["-j2", "-k", "/bin/true"], trues), spawned),
        compare(bench, f"`echo` x {spawned:,}, `-j2`", *pair(["-j2", "echo"], trues), spawned),
        compare(bench, f"no-op jobs (`:`) x {no_ops:,}, `-j2`", *pair(["-j2"], colons), no_ops),
        compare(bench, f"no-op jobs (`:`) x {no_ops:,}, `-j2 -k`", *pair(["-j2", "-k"], colons),
                no_ops),
        compare(bench, f"one `/bin/true`, {starts} times in a row",
                *[(["bash", "-c", one.format(starts, os.path.join(folder, "enjoin"))], os.devnull)
                  for folder in (before, after)], starts),
        *([compare(bench, "the queue as a pool, 64-byte jobs and results",
                   *[([pool, str(pooled)], os.devnull) for pool in pools], pooled)]
          if os.path.exists(pools[0]) else []),
    ]


def table(results):
    lines = ["| what | without | with | throughput, ratio | processor time, ratio | >= 0.95 |",
             "|---|---|---|---|---|---|"]
    for result in results:
        lines.append(f"| {result['what']} | {result['without']} | {result['with']} | "
                     f"{result['ratio']:.3f} | {result['cpu']:.3f} | "
                     f"{'met' if result['met'] else 'MISSED'} |")
    return "\n".join(lines)


def main():
    options = arguments()
    after = os.path.abspath(options.after)
    pool = os.path.join(after, "bench", "queue_pool")
    if not os.path.exists(pool + "_spin"):
        sys.exit(f"safety: no {pool}_spin; build it: cmake --preset release -DENJOIN_BENCH=ON && "
                 "cmake --build --preset release")
    with tempfile.TemporaryDirectory(prefix="enjoin-bench-") as scratch:
        bench = rows.Bench(enjoin="", peers="", scratch=scratch, env=run.environment(scratch),
                           runs=options.runs, scale=10 if options.quick else 1)
        results = locks(bench, pool)
        if options.before:
            results += whole(bench, os.path.abspath(options.before), after)
    print("\n".join(measure.machine()[:1]))
    print(f"\n{options.runs} alternating runs; load {os.getloadavg()[0]:.1f} at the end.\n")
    print(table(results))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (measure.Failed, subprocess.SubprocessError) as failed:
        sys.exit(f"safety: {failed}")
