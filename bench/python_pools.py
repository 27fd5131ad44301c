#!/usr/bin/env python3
"""Python's pools on int -> int, for library_pool.py: `python_pools.py KIND NUMBER`, JSON out.

    executor JOBS   ProcessPoolExecutor(2).map, chunk size 1
    pool JOBS       multiprocessing.Pool(2).map, chunk size 1
    joblib JOBS     joblib.Parallel(2), which makes batches by itself
    apply ROUNDS    Pool(1).apply, one call at a time; pinned by who starts us
    start WORKERS   so many Processes started and joined
    killed KIND JOBS   the same maps, in which one call kills its worker; `failed`: results that
                       never came, -1: it hangs (nothing within ten seconds)
"""
import concurrent.futures
import json
import multiprocessing
import os
import signal
import sys
import time

FORK = multiprocessing.get_context("fork")


def add_one(x):
    return x + 1


def executor(jobs):
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=FORK) as pool:
        list(pool.map(add_one, range(100)))
        begin = time.perf_counter()
        results = list(pool.map(add_one, range(jobs), chunksize=1))
        seconds = time.perf_counter() - begin
    return seconds, results == list(range(1, jobs + 1))


def pool_map(jobs):
    with FORK.Pool(2) as pool:
        pool.map(add_one, range(100))
        begin = time.perf_counter()
        results = pool.map(add_one, range(jobs), chunksize=1)
        seconds = time.perf_counter() - begin
    return seconds, results == list(range(1, jobs + 1))


def batched(jobs):
    import joblib  # pylint: disable=import-outside-toplevel
    with joblib.Parallel(n_jobs=2) as pool:
        pool(joblib.delayed(add_one)(x) for x in range(1000))
        begin = time.perf_counter()
        results = pool(joblib.delayed(add_one)(x) for x in range(jobs))
        seconds = time.perf_counter() - begin
    return seconds, results == list(range(1, jobs + 1))


def apply(rounds):
    with FORK.Pool(1) as pool:
        for x in range(100):
            pool.apply(add_one, (x,))
        begin = time.perf_counter()
        good = all(pool.apply(add_one, (x,)) == x + 1 for x in range(rounds))
        return time.perf_counter() - begin, good


def start(workers):
    begin = time.perf_counter()
    processes = [FORK.Process(target=add_one, args=(x,)) for x in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return time.perf_counter() - begin, all(process.exitcode == 0 for process in processes)


def kill_at(x, where):
    if x == where:
        os.kill(os.getpid(), signal.SIGKILL)
    return x + 1


def killed(kind, jobs):
    """How many results never came, or -1."""
    calls = [(x, jobs // 2) for x in range(jobs)]
    if kind == "pool":
        with FORK.Pool(2) as pool:
            try:
                pool.starmap_async(kill_at, calls, chunksize=1).get(10)
            except multiprocessing.TimeoutError:
                return -1
        return 0
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=FORK) as pool:
        futures = [pool.submit(kill_at, *call) for call in calls]
        return sum(future.exception() is not None for future in futures)


KINDS = {"executor": executor, "pool": pool_map, "joblib": batched, "apply": apply, "start": start}


def main():
    if sys.argv[1] == "killed":
        print(json.dumps({"failed": killed(sys.argv[2], int(sys.argv[3]))}))
        return
    number = int(sys.argv[2])
    seconds, good = KINDS[sys.argv[1]](number)
    if not good:
        sys.exit("python_pools: wrong results")
    print(json.dumps({"seconds": seconds, "jobs_per_second": round(number / seconds)}))


if __name__ == "__main__":
    main()
