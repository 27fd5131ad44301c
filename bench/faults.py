#!/usr/bin/env python3
"""The same faults for enjoin and others, side by side, as a Markdown table.

    bench/faults.py [--enjoin PROGRAM] [--mq PROGRAM] [--only FAULT]

Every contender runs two jobs at once, in a folder and a session of its own. This process is the
subreaper of all that they start, so that what they leave behind can be found and removed; signals
go to these processes only. A run that has not ended after 20 seconds "hangs". About four minutes.
"""
import argparse
import ctypes
import datetime
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BOUND = 20
HERE = pathlib.Path(__file__).resolve().parent
PR_SET_CHILD_SUBREAPER = 36


# ---- processes ------------------------------------------------------------------------------

def stat_of(pid):
    """(name, state, parent) of a process, or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name = text[text.index("(") + 1:text.rindex(")")]
    state, parent = text[text.rindex(")") + 2:].split()[:2]
    return name, state, int(parent)


def below(root):
    """All processes below `root` that have not ended, deepest last."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := stat_of(entry)) and stat[1] != "Z":
            parents.setdefault(stat[2], []).append(int(entry))
    found, todo = [], [root]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0] > 0:
            pass
    except ChildProcessError:
        pass


def clean_up():
    """Ends whatever is below us."""
    for _ in range(100):
        left = below(os.getpid())
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap()
        time.sleep(0.02)


def wait_for(condition, limit=BOUND):
    """Whether it came true in time."""
    until = time.monotonic() + limit
    while not (value := condition()):
        if time.monotonic() > until:
            return value
        time.sleep(0.01)
    return value


# ---- one run --------------------------------------------------------------------------------

class Run:
    """A contender on its way, with a list of commands."""

    def __init__(self, words, commands, setup=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="faults-"))
        self.tmp = self.folder / "tmp"
        self.tmp.mkdir()
        (self.folder / "commands").write_text("".join(line + "\n" for line in commands))
        self.shm = set(os.listdir("/dev/shm"))
        if setup:
            words = ["unshare", "-m", "sh", "-c", f'{setup} && exec "$@"', "sh", *words]
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            words, stdin=open(self.folder / "commands"), stdout=open(self.folder / "out", "wb"),
            stderr=open(self.folder / "err", "wb"), cwd=self.folder, start_new_session=True,
            env={**os.environ, "TMPDIR": str(self.tmp), "LC_ALL": "C"})

    def wait(self, limit=BOUND):
        """The exit status, or None where it hangs."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            return None

    def wait_while_it_moves(self, limit=300):
        """The exit status, or None where nothing has moved for six seconds: neither its output nor
        a processor. A busy machine makes slow, and does not count as a hang."""
        began = still_since = time.monotonic()
        before, busy, looks = None, 0, 0
        while time.monotonic() - began < limit:
            if (status := self.process.poll()) is not None:
                return status
            sizes = [path.stat().st_size for path in self.folder.iterdir() if path.is_file()]
            states = [stat[1] for pid in below(os.getpid()) if (stat := stat_of(pid))]
            looks += 1
            busy += any(state in "RD" for state in states)
            if sizes != before or busy > looks / 10:
                before, busy, looks, still_since = sizes, 0, 0, time.monotonic()
            if time.monotonic() - still_since > 6:
                return None
            time.sleep(0.1)
        return None

    def seconds(self):
        return time.monotonic() - self.began

    def has(self, name):
        return (self.folder / name).exists()

    def out(self):
        return (self.folder / "out").read_text(errors="replace")

    def err(self):
        return (self.folder / "err").read_text(errors="replace")

    def pid_in(self, name):
        wait_for(lambda: self.has(name) and (self.folder / name).read_text().endswith("\n"))
        return int((self.folder / name).read_text())

    def left_files(self):
        names = [path for path in self.tmp.rglob("*") if path.is_file() or path.is_fifo()]
        return len(names), len(set(os.listdir("/dev/shm")) - self.shm)

    def end(self):
        clean_up()
        self.process.poll()
        shutil.rmtree(self.folder, ignore_errors=True)


def status_text(status):
    return "hangs" if status is None else f"exit {status}" if status >= 0 else f"signal {-status}"


def told(run):
    """What it says of it on stderr, in short."""
    lines = [line for line in run.err().splitlines() if line.strip()]
    return "says so" if lines else "says nothing"


# ---- the faults: each takes the words of a contender and gives a cell -----------------------------

JOBS = 8


def eight(slow=""):
    """Eight jobs; the third notes its pid, and lasts."""
    jobs = []
    for i in range(1, JOBS + 1):
        lasts = f"echo $$ > third; {slow}" if i == 3 else ""
        jobs.append(f"echo begin {i}; {lasts} sleep 0.05; echo end {i}")
    return jobs


def ended(run):
    return sum(line.startswith("end ") for line in run.out().splitlines())


def count_cell(run, status, expected):
    done = ended(run)
    text = f"{done} of {JOBS} jobs done, {status_text(status)}, {told(run)}"
    if status is None:
        return f"**hangs**: {done} of {JOBS} jobs done"
    return f"exact: {text}" if done >= expected else f"loses {expected - done}: {text}"


def job_killed(contender):
    """One job's process is killed."""
    run = Run(contender.words, eight("sleep 1;"))
    os.kill(run.pid_in("third"), signal.SIGKILL)
    cell = count_cell(run, run.wait(), JOBS - 1)
    run.end()
    return cell


def worker_killed(contender):
    """The process that runs jobs is killed while it runs one."""
    cells = []
    for more in contender.variants:
        run = Run([*contender.words[:1], *more, *contender.words[1:]], eight("sleep 1;"))
        worker = stat_of(run.pid_in("third"))[2]
        if worker == run.process.pid:
            run.end()
            return "has none"
        os.kill(worker, signal.SIGKILL)
        expected = JOBS if more else JOBS - 1
        name = f"`{' '.join(more)}` " if more else ""
        cells.append(name + count_cell(run, run.wait(), expected))
        run.end()
    return "; ".join(cells)


def controller_killed(contender):
    """The program itself is killed: what runs on after 3 s, what lies about."""
    jobs = [f"setsid sh -c 'echo $$ > far{i}; exec sleep 60' & echo $$ > near{i}; sleep 60; true"
            for i in (1, 2)]
    run = Run(contender.words, jobs)
    near = [run.pid_in(f"near{i}") for i in (1, 2)]
    far = [run.pid_in(f"far{i}") for i in (1, 2)]
    run.process.kill()
    began = time.monotonic()
    run.process.wait()
    everything_gone = wait_for(lambda: not below(os.getpid()), 3)
    took = time.monotonic() - began
    left = set(below(os.getpid()))
    files, names = run.left_files()
    cell = "leaves "
    if everything_gone:
        cell = f"exact: all gone after {took:.1f} s" if not files + names else "leaves "
    if cell == "leaves ":
        cell += ", ".join(filter(None, [
            f"{len(left & set(near))} of 2 jobs" if left & set(near) else "",
            f"{len(left & set(far))} of 2 in sessions of their own" if left & set(far) else "",
            f"{len(left)} processes in all" if left else "",
            f"{files} files" if files else "", f"{names} names in /dev/shm" if names else ""]))
    run.end()
    return cell


def interrupted(contender):
    """Ctrl-C in the middle of two jobs, after two have ended."""
    jobs = [f"echo end {i}" for i in (1, 2)]
    jobs += [f"echo partial {i}; echo $$ > running{i}; sleep 60; true" for i in (3, 4)]
    run = Run(contender.words, jobs)
    for i in (3, 4):
        run.pid_in(f"running{i}")
    time.sleep(0.3)
    began = time.monotonic()
    os.killpg(run.process.pid, signal.SIGINT)
    status = run.wait()
    took = time.monotonic() - began
    time.sleep(0.5)
    left = len(below(os.getpid()))
    done = ended(run)
    partial = run.out().count("partial ")
    files, _ = run.left_files()
    good = done == 2 and partial == 2 and left == 0 and files == 0 and status is not None
    cell = f"{done} of 2 finished outputs kept, {partial} of 2 partial ones"
    cell += f", leaves {left} processes" if left else ""
    cell += f", leaves {files} files" if files else ""
    cell += f"; {status_text(status)} after {took:.1f} s"
    run.end()
    return ("exact: " if good else "") + cell


def stdout_held(contender):
    """A job ends and leaves a child in the background that has its stdout open."""
    run = Run(contender.words, ["sleep 60 & echo end 1", "echo end 2"])
    status = run.wait()
    took = run.seconds()
    cell = f"{ended(run)} of 2 outputs, {status_text(status)} after {took:.1f} s"
    run.end()
    return f"exact: {cell}" if status is not None else f"**hangs**: {cell}"


def disk_full(contender):
    """A job writes 2 MB where $TMPDIR holds 256 KiB."""
    job = "head -c 2000000 /dev/zero | tr '\\0' x; echo; echo end 1"
    run = Run(contender.words, [job], 'mount -t tmpfs -o size=256k none "$TMPDIR"')
    status = run.wait()
    if "mount:" in run.err() or "unshare:" in run.err():
        run.end()
        return "SKIPPED: no mount namespace here"
    size = len(run.out())
    whole = size == 2000000 + len("\nend 1\n")
    cell = f"{size:,} bytes printed, {status_text(status)}, {told(run)}"
    run.end()
    if whole:
        return f"exact: needs no room there ({cell})"
    return f"reported: {cell}" if status not in (0, None) else f"**silent loss**: {cell}"


def worker_stopped(contender):
    """What runs a job (or, where there is no such process, the job) is stopped by SIGSTOP."""
    run = Run(contender.words, eight("sleep 1;"))
    job = run.pid_in("third")
    worker = stat_of(job)[2]
    os.kill(job if worker == run.process.pid else worker, signal.SIGSTOP)
    status = run.wait(12)
    done = ended(run)
    which = "its job" if worker == run.process.pid else "the worker"
    cell = f"{done} of {JOBS} jobs done while {which} stands still"
    run.end()
    if status is not None:
        return f"exact: {done} of {JOBS} jobs done, {status_text(status)}"
    return f"the others go on: {cell}" if done >= JOBS - 1 else f"**all wait**: {cell}"


def killed_in_the_queue(contender):
    """A worker is killed at a random moment of a flood of tiny jobs; ten times."""
    if contender.flood is None:
        return "has none"
    hung = wrong = 0
    for i in range(10):
        words, commands = contender.flood
        run = Run(words, commands)
        workers = wait_for(lambda: [p for p in below(run.process.pid)
                                    if contender.is_worker(p, run.process.pid)], 5)
        time.sleep(0.15 + 0.013 * i)
        if run.process.poll() is None and workers:
            try:
                os.kill(workers[i % len(workers)], signal.SIGKILL)
            except ProcessLookupError:
                pass
        status = run.wait_while_it_moves()
        hung += status is None
        if status is not None and status != 0:
            wrong += not contender.accounts(run, len(commands))
        run.end()
    if hung:
        return f"**hangs** in {hung} of 10" + (f", breaks off in {wrong}" if wrong else "")
    return f"breaks off in {wrong} of 10" if wrong else "exact: 10 of 10"


FAULTS = [
    ("a job's process is killed", job_killed),
    ("the worker of a job is killed", worker_killed),
    ("the program itself is killed", controller_killed),
    ("Ctrl-C", interrupted),
    ("a child keeps a job's stdout", stdout_held),
    ("$TMPDIR is full", disk_full),
    ("a worker is stopped", worker_stopped),
    ("a worker is killed in the queue", killed_in_the_queue),
]


# ---- who takes part --------------------------------------------------------------------------

class Contender:
    def __init__(self, name, words, flood=None, variants=((),)):
        self.name, self.words, self.flood, self.variants = name, words, flood, variants

    def is_worker(self, pid, controller):
        stat = stat_of(pid)
        return stat is not None and stat[2] == controller

    def accounts(self, run, jobs):
        """All jobs are done, or named."""
        return False


class Enjoin(Contender):
    def is_worker(self, pid, controller):
        stat = stat_of(pid)
        return stat is not None and stat[0] == "enjoin-worker"

    def accounts(self, run, jobs):
        rows = (run.folder / "log").read_text().count("\n") - 1
        return rows + run.err().count("lost") == jobs


def contenders(args):
    true = [":"] * 200_000
    python = [sys.executable, str(HERE / "fault_pool.py")]
    flood = ["true"] * 4000
    return [
        Enjoin("enjoin", [args.enjoin, "-j2"], variants=((), ("--worker-loss", "requeue")),
               flood=([args.enjoin, "-j2", "--joblog", "log"], true)),
        Contender("GNU parallel", ["parallel", "-j2"]),
        Contender("xargs -P2", ["xargs", "-P2", "-d", "\\n", "-I{}", "/bin/sh", "-c", "{}"]),
        Contender("ProcessPoolExecutor", [*python, "executor", "2"],
                  flood=([*python, "executor", "2"], flood)),
        Contender("multiprocessing.Pool", [*python, "pool", "2"],
                  flood=([*python, "pool", "2"], flood)),
        Contender("Boost message_queue", None,
                  flood=([args.mq, "5000000", "64"], [""])) if args.mq else None,
    ]


def versions(args):
    def first_line(*words):
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.split("\n")[0]
    boost = "?"
    header = pathlib.Path("/usr/include/boost/version.hpp")
    if header.exists():
        for line in header.read_text().splitlines():
            if line.startswith("#define BOOST_LIB_VERSION"):
                boost = line.split('"')[1].replace("_", ".")
    return ", ".join([first_line(args.enjoin, "--version"), first_line("parallel", "--version"),
                      first_line("xargs", "--version"), "Python " + sys.version.split()[0],
                      f"Boost {boost}", f"Linux {os.uname().release}", f"{os.cpu_count()} cores"])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    build = HERE.parent / "build" / "release"
    parser.add_argument("--enjoin", default=str(build / "enjoin"))
    parser.add_argument("--mq", default=str(build / "bench" / "mq_pool"))
    parser.add_argument("--only", help="faults whose name holds this")
    args = parser.parse_args()
    if not os.path.exists(args.mq):
        print(f"no {args.mq} (-DENJOIN_BENCH=ON): left out", file=sys.stderr)
        args.mq = ""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    who = [one for one in contenders(args) if one]
    print(f"{datetime.date.today()}; {versions(args)}\n")
    print("| fault | " + " | ".join(one.name for one in who) + " |")
    print("|---|" + "---|" * len(who))
    for name, fault in FAULTS:
        if args.only and args.only not in name:
            continue
        cells = []
        for one in who:
            if one.words is None and fault is not killed_in_the_queue:
                cells.append("runs no commands")
                continue
            print(f"{name}: {one.name}", file=sys.stderr)
            cells.append(fault(one))
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
