#!/usr/bin/env python3
"""From one stage's last job to the next one's first: a Markdown table.

    cmake --preset release -DENJOIN_BENCH=ON && cmake --build --preset release
    bench/latency.py                   # a minute
    bench/latency.py --stages 1000

Each job says when it began and ended (stamp.cc). A gap goes from the last end of a stage to the
first begin of the next: it holds the end of one process, the news of it, the decision, and the start
of the next process. The floor is a loop that forks, executes and waits, and does nothing else
(`stage_latency bare`); what enjoin needs above that is the difference of the two medians. All take
turns, so that a slow minute hits all of them alike.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing is left beside the sources

import measure
import run

GOAL_US = 100


def pipeline(stages, width, stamp):
    """Stages of so many jobs, each joined before the next."""
    for stage in range(stages):
        yield "[[stage]]"
        yield f'name = "s{stage}"'
        yield f'command = ["{stamp}"]'
        yield "foreach = [" + ", ".join(f'"{item}"' for item in range(width)) + "]"
        if stage > 0:
            yield f'needs = ["s{stage - 1}"]'


def chain(stages, width, stamp):
    """The same as JSON Lines: each job needs all of the stage before."""
    for stage in range(stages):
        needs = ", ".join(f'"s{stage - 1}j{item}"' for item in range(width)) if stage else ""
        for item in range(width):
            yield f'{{"id": "s{stage}j{item}", "argv": ["{stamp}"], "needs": [{needs}]}}'


def output_of(argv, env):
    done = subprocess.run(argv, env=env, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise measure.Failed(f"{' '.join(argv)} ended with status {done.returncode}")
    return done.stdout


def gaps_of_stamps(text, width):
    """Of what the jobs printed: in the order of their begins, `width` to a stage."""
    stamps = sorted(tuple(map(int, line.split())) for line in text.splitlines())
    stages = [stamps[at:at + width] for at in range(0, len(stamps), width)]
    return [after[0][0] - max(end for _, end in before)
            for before, after in zip(stages, stages[1:])]


def write(folder, name, lines):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.writelines(line + "\n" for line in lines)
    return path


def contenders(options, scratch, env):
    """Name -> how to get its gaps once."""
    enjoin = shutil.which(os.path.abspath(options.enjoin))
    tool, stamp = (os.path.abspath(os.path.join(options.peers, name))
                   for name in ("stage_latency", "stamp"))
    for path in (tool, stamp, enjoin):
        if not path or not os.path.exists(path):
            sys.exit(f"bench: no program {path}: build it with -DENJOIN_BENCH=ON, or name it")
    env["ENJOIN_WORKER"] = os.path.join(os.path.dirname(enjoin), "enjoin-worker")
    stages = str(options.stages)

    def of_tool(*words):
        return lambda: [int(line) for line in output_of([tool, *words], env).split()]

    def of_run(width, *words):
        argv = [enjoin, "run", "--no-db", "--quiet", "-j2", *words]
        return lambda: gaps_of_stamps(output_of(argv, env), width)

    named = {"bare": of_tool("bare", stages, stamp)}
    for width in (1, 2):
        toml = write(scratch, f"stages{width}.toml", pipeline(options.stages, width, stamp))
        jsonl = write(scratch, f"stages{width}.jsonl", chain(options.stages, width, stamp))
        jobs = "1 job" if width == 1 else f"{width} jobs"
        named[f"the team alone, {jobs} a stage"] = of_tool("team", stages, str(width), stamp)
        named[f"`enjoin run` of a pipeline, {jobs} a stage"] = of_run(width, "-f", toml)
        named[f"`enjoin run` of JSON Lines, {jobs} a stage"] = of_run(width, jsonl)
    return named


def quantile(samples, part):
    return sorted(samples)[int(len(samples) * part)] / 1000


def report(samples):
    bare = statistics.median(samples["bare"]) / 1000
    lines = [f"Bare spawn: median {bare:.0f} us.", "",
             "| what | median | of that above the bare spawn | goal | met |",
             "|---|---|---|---|---|"]
    for name, all_of_it in samples.items():
        if name == "bare":
            continue
        middle = statistics.median(all_of_it) / 1000
        above = middle - bare
        lines.append(f"| {name} | {middle:.0f} us | {above:.0f} us | < {GOAL_US} us |"
                     f" {'yes' if above < GOAL_US else 'no'} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stages", type=int, default=300, help="stages a run (default: 300)")
    parser.add_argument("--runs", type=int, default=5, help="alternating runs of each (default: 5)")
    parser.add_argument("--enjoin", metavar="PATH", default="build/release/enjoin")
    parser.add_argument("--peers", metavar="FOLDER", default="build/release/bench",
                        help="where stage_latency and stamp were built (default: %(default)s)")
    options = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory(prefix="enjoin-bench-") as scratch:
        env = run.environment(scratch)
        named = contenders(options, scratch, env)
        samples = {name: [] for name in named}
        for _ in range(options.runs):
            for name, measure_once in named.items():
                try:
                    samples[name] += measure_once()
                except measure.Failed as failed:
                    failures.append(f"{name}: not measured: {failed}")
    samples = {name: all_of_it for name, all_of_it in samples.items() if all_of_it}
    print("\n".join(measure.machine()))
    print(f"\n{options.runs} alternating runs of {options.stages} stages each.\n")
    print("\n".join([report(samples), *failures]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
