#!/usr/bin/env python3
"""-j auto against fixed -j, on jobs that wait and on jobs that compute.

usage: bench/auto_jobs.py [ENJOIN]     (default: build/release/enjoin)
"""
import os
import statistics
import subprocess
import sys
import time

ROUNDS = 3
SLEEPERS = ("jobs that sleep 0.5 s, 120 of them", ["sleep 0.5; : {}"], 120)
COUNTERS = ("jobs that count, 24 of them",
            ["awk 'BEGIN { for (i = 0; i < 5000000; i++) s += i; exit {} < 0 }'"], 24)


def seconds(enjoin, jobs, command, count):
    began = time.monotonic()
    subprocess.run([enjoin, jobs] + command + [":::"] + [str(n) for n in range(count)], check=True)
    return time.monotonic() - began


def main():
    enjoin = sys.argv[1] if len(sys.argv) > 1 else "build/release/enjoin"
    cpus = len(os.sched_getaffinity(0))
    settings = ["-jauto", f"-j{cpus}", f"-j{cpus * 16}"]
    print("| what | " + " | ".join(f"`{one}`" for one in settings) + " |")
    print("|---|" + "---|" * len(settings))
    for what, command, count in (SLEEPERS, COUNTERS):
        times = {one: [] for one in settings}
        for _ in range(ROUNDS):
            for one in settings:
                times[one].append(seconds(enjoin, one, command, count))
        row = " | ".join(f"{statistics.median(times[one]):.2f} s" for one in settings)
        print(f"| {what} | {row} |")


main()
