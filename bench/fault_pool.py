#!/usr/bin/env python3
"""Python's process pools as runners of shell commands, for faults.py.

    fault_pool.py executor|pool WORKERS < COMMANDS

Each line of stdin is run by a worker, with /bin/sh; what it wrote is printed when it has ended, as
jobs end. The exit status is 1 where one failed. Written as the library's documentation shows it.
"""
import concurrent.futures
import multiprocessing
import subprocess
import sys


def run(command):
    done = subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, check=False)
    return done.stdout, done.returncode


def show(result):
    output, status = result
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()
    return status != 0


def main():
    kind, workers = sys.argv[1], int(sys.argv[2])
    commands = sys.stdin.read().splitlines()
    failed = False
    if kind == "executor":
        with concurrent.futures.ProcessPoolExecutor(workers) as pool:
            jobs = [pool.submit(run, command) for command in commands]
            for job in concurrent.futures.as_completed(jobs):
                failed |= show(job.result())
    else:
        with multiprocessing.Pool(workers) as pool:
            for result in pool.imap_unordered(run, commands):
                failed |= show(result)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
