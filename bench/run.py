#!/usr/bin/env python3
"""Runs every figure that enjoin is held to beside its peers and prints a Markdown table.

    cmake --preset release -DENJOIN_BENCH=ON && cmake --build --preset release
    bench/run.py                      # all rows, about half an hour on two cores
    bench/run.py --only spawn --only queue --runs 9
    bench/run.py --quick              # a tenth of the work: for trying changes, not for quoting

A ratio is that of two medians of alternating runs: above 1, enjoin is faster. See measure.py for
how memory is counted, and the sources of the yardstick programs beside this file for what exactly
enjoin is held against.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing is left beside the sources

import measure
import rows


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", metavar="NAME", choices=list(rows.ROWS),
                        help="this row (may be given again): " + ", ".join(rows.ROWS))
    parser.add_argument("--runs", type=int, default=5, help="alternating runs of each (default: 5)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, and two runs")
    parser.add_argument("--json", metavar="FILE", help="all samples, too")
    parser.add_argument("--enjoin", metavar="PATH", default="build/release/enjoin")
    parser.add_argument("--peers", metavar="FOLDER", default="build/release/bench",
                        help="where the yardstick programs were built (default: %(default)s)")
    return parser.parse_args()


def environment(scratch):
    """What all contenders run in: the same shell for the same lines, no files of the user's."""
    home = os.path.join(scratch, "home")
    os.mkdir(home)
    return {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C", "TMPDIR": scratch,
            "SHELL": "/bin/bash", "PARALLEL_SHELL": "/bin/bash"}


def report(results):
    lines = ["| what | enjoin | against | ratio | goal | |", "|---|---|---|---|---|---|"]
    for result in results:
        lines.append("| " + " | ".join(result.cells()) + " |")
    missed = sum(result.met is False for result in results)
    lines += ["", f"{sum(result.met is True for result in results)} goals met, {missed} missed."]
    return "\n".join(lines)


def main():
    options = arguments()
    enjoin = shutil.which(os.path.abspath(options.enjoin))
    if not enjoin:
        sys.exit(f"bench: no program {options.enjoin}: build it, or name it with --enjoin PATH")
    if not os.path.exists(os.path.join(options.peers, "bare_loop")):
        sys.exit(f"bench: no yardsticks in {options.peers}; build them:\n"
                 "  cmake --preset release -DENJOIN_BENCH=ON && cmake --build --preset release")
    results, failures = [], []
    with tempfile.TemporaryDirectory(prefix="enjoin-bench-") as scratch:
        bench = rows.Bench(enjoin=enjoin, peers=os.path.abspath(options.peers), scratch=scratch,
                           env=environment(scratch), runs=2 if options.quick else options.runs,
                           scale=10 if options.quick else 1)
        for name in options.only or rows.ROWS:
            print(f"{name}: {rows.ROWS[name].__doc__}", file=sys.stderr)
            try:
                results += rows.ROWS[name](bench)
            except measure.Failed as failed:
                failures.append(f"{name}: not measured: {failed}")
                print(failures[-1], file=sys.stderr)
    machine = measure.machine()
    print("\n".join(machine))
    print(f"\nMedian of {bench.runs} alternating runs"
          + (", a tenth of the work (--quick)" if options.quick else "") + ".\n")
    print("\n".join([report(results), *failures]))
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": machine, "runs": bench.runs, "quick": options.quick,
                       "results": [result.as_dict() for result in results],
                       "failures": failures}, file, indent=1)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
