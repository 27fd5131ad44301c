#!/usr/bin/env python3
"""Python's own pool on 64-byte jobs: `pool_map.py JOBS` prints jobs a second as JSON.

Two workers, chunk size 1: each job is its own message, as in the pools it is held against.
"""
import json
import multiprocessing
import sys
import time


def answer(job):
    return job


def main():
    jobs = [i.to_bytes(8, "little") * 8 for i in range(int(sys.argv[1]))]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        start = time.perf_counter()
        results = pool.map(answer, jobs, chunksize=1)
        seconds = time.perf_counter() - start
    if results != jobs:
        sys.exit("pool_map: wrong results")
    print(json.dumps({"jobs_per_second": round(len(jobs) / seconds)}))


if __name__ == "__main__":
    main()
