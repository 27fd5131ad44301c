"""How things are measured: alternating runs, memory of a process tree, and the machine's name.

Peers run in turn (A B C A B C ...), so that a slow minute of the machine hits all of them alike;
what is compared is the median of each.
"""
import ctypes
import dataclasses
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time


class Failed(Exception):
    """A contender did not do its work, so that its figures would say nothing."""


@dataclasses.dataclass
class Contender:
    """One of those that are compared: a command, and what its standard input and output are."""

    name: str
    argv: list
    stdin: str = os.devnull
    stdout: str = os.devnull
    pipe_into: list = None  # a program that reads its output; its own output goes to `stdout`
    check: object = None  # called after each run: raises where the work was not done
    env: dict = None


def start(contender, env):
    """Starts it; returns its process, and the last process of the line, which ends last."""
    with open(contender.stdin, "rb") as source, open(contender.stdout, "wb") as sink:
        if not contender.pipe_into:
            process = subprocess.Popen(contender.argv, stdin=source, stdout=sink, env=env)
            return process, process
        process = subprocess.Popen(contender.argv, stdin=source, stdout=subprocess.PIPE, env=env)
        reader = subprocess.Popen(contender.pipe_into, stdin=process.stdout, stdout=sink, env=env)
        process.stdout.close()
        return process, reader


def run_once(contender, env, watch=None):
    """Seconds from start to the end of it all. Raises Failed."""
    begin = time.perf_counter()
    process, last = start(contender, env)
    if watch:
        watch(process.pid)
    status = process.wait()
    last.wait()
    seconds = time.perf_counter() - begin
    if status != 0:
        command = " ".join([os.path.basename(contender.argv[0]), *contender.argv[1:]])
        raise Failed(f"{contender.name} ended with status {status}: {command}")
    if contender.check:
        contender.check()
    return seconds


def show_progress(text):
    if sys.stderr.isatty():
        print(f"\r  {text:<76}", end="" if text else "\r", file=sys.stderr, flush=True)


def alternate(contenders, runs, env):
    """{name: [seconds of each run]}, the runs of all contenders in turn."""
    times = {contender.name: [] for contender in contenders}
    for number in range(runs):
        for contender in contenders:
            show_progress(f"run {number + 1} of {runs}: {contender.name}")
            times[contender.name].append(run_once(contender, {**env, **(contender.env or {})}))
    show_progress("")
    return times


def median(samples):
    return statistics.median(samples)


# ---- memory ----------------------------------------------------------------------------------

OUR_PROGRAMS = {"enjoin", "enjoin-worker"}

KCMP_VM = 1
LIBC = ctypes.CDLL(None)
SYS_KCMP = {"x86_64": 312, "aarch64": 272}.get(platform.machine())


def same_memory(first, second):
    """Whether two processes are one address space: a child between vfork and exec is its parent."""
    if SYS_KCMP is None:
        return False
    return LIBC.syscall(SYS_KCMP, first, second, KCMP_VM, 0, 0) == 0


def children_of(pid):
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        return [int(child) for thread in threads
                for child in open(f"/proc/{pid}/task/{thread}/children").read().split()]
    except (OSError, ValueError):
        return []


def our_processes(root):
    """`root` and its descendants that run our programs, not their jobs."""
    found, todo = [], [(root, None)]
    while todo:
        pid, parent = todo.pop()
        try:
            program = os.path.basename(os.readlink(f"/proc/{pid}/exe")).removesuffix(" (deleted)")
        except OSError:
            continue
        # The static program and its worker are one file, hence a worker may have either name.
        if pid != root and program not in OUR_PROGRAMS:
            continue
        if parent is not None and same_memory(pid, parent):
            continue
        found.append(pid)
        todo += [(child, pid) for child in children_of(pid)]
    return found


def memory_of(root):
    """(bytes, processes): anonymous and shared memory of all our processes below `root`.

    Anonymous: the pages of `Anonymous:` in smaps_rollup, of each process in full. Shared: the sum
    of `Pss_Shmem:`, which divides a page by those who map it and so counts it once; or, where that
    is more, the pages that our memfds hold (each file once, whether anyone maps them or not).
    Not counted: pages of files, such as the program's own text, and the kernel's memory.
    """
    anonymous = shared = 0
    memfds = {}
    pids = our_processes(root)
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                for line in rollup:
                    if line.startswith("Anonymous:"):
                        anonymous += int(line.split()[1]) * 1024
                    elif line.startswith("Pss_Shmem:"):
                        shared += int(line.split()[1]) * 1024
            for fd in os.listdir(f"/proc/{pid}/fd"):
                path = f"/proc/{pid}/fd/{fd}"
                if os.readlink(path).startswith("/memfd:"):
                    status = os.stat(path)
                    memfds[status.st_ino] = status.st_blocks * 512
        except OSError:
            continue  # it ended meanwhile
    return anonymous + max(shared, sum(memfds.values())), len(pids)


class PeakMemory:
    """Samples memory_of() every few milliseconds until the process ends; keeps the most.

    `processes` are those of the sample that was the largest.
    """

    def __init__(self, interval=0.01):
        self.bytes = 0
        self.processes = 0
        self._interval = interval

    def watch(self, pid):
        threading.Thread(target=self._sample, args=(pid,), daemon=True).start()

    def _sample(self, pid):
        while True:
            size, processes = memory_of(pid)
            if processes == 0:
                return
            if size > self.bytes:
                self.bytes, self.processes = size, processes
            time.sleep(self._interval)


def peak_memory(contender, env):
    """Peak of one run that is not timed: taking samples costs time."""
    peak = PeakMemory()
    run_once(contender, {**env, **(contender.env or {})}, peak.watch)
    if peak.bytes == 0:
        raise Failed(f"{contender.name} ended too soon to see its memory")
    return peak


# ---- the machine -----------------------------------------------------------------------------


def cpu_model():
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def first_line(*argv):
    if not shutil.which(argv[0]):
        return f"no {argv[0]}"
    output = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    return output.split("\n", 1)[0].strip()


def machine():
    """Date, machine and peers, as lines of text; nothing in them names the host or its user."""
    cores = len(os.sched_getaffinity(0))
    with open("/proc/meminfo") as info:
        memory = int(info.readline().split()[1]) / 2**20
    today = datetime.date.today().isoformat()
    return [
        f"{today}, {cpu_model()}, {cores} cores, {memory:.0f} GB, Linux {platform.release()}",
        ", ".join([first_line("parallel", "--version"), first_line("xargs", "--version"),
                   f"Python {platform.python_version()}"]),
    ]
