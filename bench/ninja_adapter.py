#!/usr/bin/env python3
"""ninja with its commands run by enjoin's executor, beside stock ninja: a Markdown table.

    cmake -S examples/ninja_adapter -B ADAPTER -DNINJA_SOURCE=SOURCE
    cmake --build ADAPTER --target ninja-enjoin ninja-stock
    bench/ninja_adapter.py SOURCE ADAPTER        # some minutes on two cores

SOURCE is a source tree of ninja 1.11, ADAPTER the folder where the example was built: it holds
`ninja-enjoin` and, of the same objects and flags, `ninja-stock`. Both build ninja itself from
nothing (its CMake project, no optimisation), and a graph of commands that do next to nothing, where
all the time is ninja's and the runner's own. Runs alternate; medians are compared.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing is left beside the sources

import measure
from rows import Result

STOCK = "stock ninja"
OURS = "ninja on enjoin"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", help="source tree of ninja")
    parser.add_argument("adapter", help="where examples/ninja_adapter was built")
    parser.add_argument("--runs", type=int, default=5, help="alternating runs of each (default: 5)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="-j")
    parser.add_argument("--edges", type=int, default=2000, help="commands of the graph (2000)")
    return parser.parse_args()


def programs(options):
    folder = os.path.abspath(options.adapter)
    return {STOCK: os.path.join(folder, "ninja-stock"), OURS: os.path.join(folder, "ninja-enjoin")}


def run_in_turn(options, prepare, complete):
    """{name: seconds}: each run in a folder made ready by `prepare`, judged by `complete`."""
    times = {name: [] for name in programs(options)}
    for number in range(options.runs):
        for name, program in programs(options).items():
            measure.show_progress(f"run {number + 1} of {options.runs}: {name}")
            with tempfile.TemporaryDirectory() as folder:
                prepare(folder)
                argv = [program, "-C", folder, f"-j{options.jobs}"]
                contender = measure.Contender(name, argv, check=lambda: complete(folder))
                times[name].append(measure.run_once(contender, dict(os.environ)))
    measure.show_progress("")
    return times


def wall(what, times, goal):
    """How much longer we take than stock ninja."""
    ours, theirs = measure.median(times[OURS]), measure.median(times[STOCK])
    return Result(what, ours, "s", STOCK, theirs, theirs / ours, "wall time within 3 %" if goal else "",
                  ours <= 1.03 * theirs if goal else None)


def build_of_ninja(options):
    def prepare(folder):
        subprocess.run(["cmake", "-G", "Ninja", "-S", options.source, "-B", folder,
                        "-DBUILD_TESTING=OFF", "-DCMAKE_BUILD_TYPE=", "-DCMAKE_CXX_COMPILER=c++"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def complete(folder):
        if not os.access(os.path.join(folder, "ninja"), os.X_OK):
            raise measure.Failed("there is no ninja in the end")

    return wall("ninja's own build", run_in_turn(options, prepare, complete), True)


def short_commands(options):
    def prepare(folder):
        with open(os.path.join(folder, "build.ninja"), "w") as rules:
            rules.write("rule touch\n  command = : >$out\n")
            for number in range(options.edges):
                rules.write(f"build {number}.out: touch\n")

    def complete(folder):
        made = sum(name.endswith(".out") for name in os.listdir(folder))
        if made != options.edges:
            raise measure.Failed(f"{made} of {options.edges} files were made")

    return wall(f"{options.edges} commands of `: >file`",
                run_in_turn(options, prepare, complete), False)


def main():
    options = arguments()
    for program in programs(options).values():
        if not os.access(program, os.X_OK):
            sys.exit(f"{program} is not there: build examples/ninja_adapter first")
    if shutil.which("cmake") is None:
        sys.exit("cmake is needed to configure what is built")
    print("| what | enjoin | against | times as fast | goal | |")
    print("|---|---:|---|---:|---|---|")
    for row in (build_of_ninja, short_commands):
        try:
            print("| " + " | ".join(row(options).cells()) + " |", flush=True)
        except measure.Failed as failure:
            sys.exit(str(failure))


if __name__ == "__main__":
    main()
