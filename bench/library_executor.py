#!/usr/bin/env python3
"""The library's executor beside the batch mode, ninja and a bare loop: Markdown tables.

    cmake --preset release -DENJOIN_BENCH=ON && cmake --build --preset release
    bench/library_executor.py            # a minute or two on two cores
    bench/library_executor.py --quick    # a tenth of the work: for trying changes, not for quoting

Two questions. What does a start cost a host with a large, dirty heap? And what does it cost to have
10,000 short commands added by a host, one message each, instead of read by the batch mode?
All figures are medians of alternating runs.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # nothing is left beside the sources


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=7, help="alternating runs (default: 7)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, and three runs")
    parser.add_argument("--heap", type=int, default=4096, help="MiB (default: 4096)")
    parser.add_argument("--build", metavar="FOLDER", default="build/release",
                        help="where all was built (default: %(default)s)")
    return parser.parse_args()


class Contenders:
    def __init__(self, options):
        self.build = os.path.abspath(options.build)
        self.environment = dict(os.environ, ENJOIN_LIBEXEC=self.build,
                                ENJOIN_WORKER=os.path.join(self.build, "enjoin-worker"))
        self.runs = 3 if options.quick else options.runs

    def host(self, *words):
        """Runs a host and returns what it says of itself."""
        argv = [os.path.join(self.build, "bench", "executor_host"), *map(str, words)]
        done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, env=self.environment)
        return json.loads(done.stdout)

    def seconds(self, argv, **how):
        start = time.perf_counter()
        subprocess.run(argv, check=True, env=self.environment, stdout=subprocess.DEVNULL, **how)
        return time.perf_counter() - start

    def medians(self, measured):
        """{name: median}, of the runs of all in turn."""
        found = {name: [] for name in measured}
        for _ in range(self.runs):
            for name, measure in measured.items():
                found[name].append(measure())
        return {name: statistics.median(values) for name, values in found.items()}


def heap_table(contenders, heap, jobs):
    def cost(*words):
        return lambda: contenders.host(*words, "--one-by-one", jobs, "/bin/true")["seconds"] / jobs

    def making(*words):
        return lambda: contenders.host(*words, 1, "/bin/true")["made"]

    large = ("--heap", heap)
    found = contenders.medians({
        "start": cost(), "start, large": cost(*large),
        "making": making(), "making, large": making(*large),
        "fork": cost("--by", "fork"), "fork, large": cost("--by", "fork", *large),
    })
    print(f"| one after the other, {jobs} times | small host | {heap} MiB dirty | ratio |")
    print("|---|---|---|---|")
    for name, text in (("start", "`/bin/true` through the executor"),
                       ("making", "making the executor"),
                       ("fork", "for comparison: fork and exec by the host itself")):
        small, big = found[name], found[name + ", large"]
        print(f"| {text} | {small * 1e6:.0f} us | {big * 1e6:.0f} us | {big / small:.2f} |")
    print()


def write_build(path, jobs):
    with open(path, "w", encoding="ascii") as file:
        file.write("rule run\n  command = /bin/true\n")
        for job in range(jobs):
            file.write(f"build t{job}: run\n")


def many_table(contenders, jobs, folder):
    lines = os.path.join(folder, "lines")
    with open(lines, "w", encoding="ascii") as file:
        file.writelines(f"{number}\n" for number in range(jobs))
    write_build(os.path.join(folder, "build.ninja"), jobs)

    def of_file(argv):
        def run():
            with open(lines, encoding="ascii") as file:
                return contenders.seconds(argv, stdin=file)
        return run

    measured = {
        "the library's executor": lambda: contenders.host(jobs, "/bin/true")["seconds"],
        "`enjoin /bin/true {}`, the batch mode": of_file(
            [os.path.join(contenders.build, "enjoin"), "/bin/true", "{}"]),
        "a bare loop of vfork, exec and wait": lambda: contenders.seconds(
            [os.path.join(contenders.build, "bench", "bare_loop"), lines, "/bin/true"]),
    }
    if any(os.access(os.path.join(place, "ninja"), os.X_OK)
           for place in os.environ["PATH"].split(":")):
        measured["ninja"] = lambda: contenders.seconds(
            ["ninja", "-C", folder, f"-j{os.cpu_count()}", "--quiet"])
    found = contenders.medians(measured)
    own = found["the library's executor"]
    print(f"| {jobs} times `/bin/true` | seconds | the executor's time beside it |")
    print("|---|---|---|")
    for name, seconds in found.items():
        print(f"| {name} | {seconds:.2f} | {own / seconds:.2f} |")
    print()


def main():
    options = arguments()
    contenders = Contenders(options)
    scale = 10 if options.quick else 1
    heap_table(contenders, options.heap, 500 // scale)
    with tempfile.TemporaryDirectory(prefix="enjoin-bench.") as folder:
        many_table(contenders, 10_000 // scale, folder)


if __name__ == "__main__":
    main()
