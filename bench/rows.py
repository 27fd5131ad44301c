"""The rows of the table: what is run, against whom, and the goal. See run.py."""
import dataclasses
import json
import os
import subprocess
import sys

from measure import Contender, Failed, alternate, median, peak_memory, run_once, show_progress

XARGS = "xargs -P2"
PARALLEL = "GNU parallel -j2"
MB = 1e6


@dataclasses.dataclass
class Result:
    """One line of the table: our figure, a peer's, and what was to be reached."""

    what: str
    ours: float
    unit: str
    peer: str = ""
    theirs: float = None
    ratio: float = None  # how many times as good as the peer
    goal: str = ""
    met: bool = None
    samples: dict = dataclasses.field(default_factory=dict)

    def cells(self):
        against = self.peer
        if self.theirs is not None:
            against += f" {amount(self.theirs, self.unit)}"
        verdict = {True: "met", False: "MISSED", None: ""}[self.met]
        ratio = ""
        if self.ratio is not None:
            ratio = f"{self.ratio:,.0f}" if self.ratio >= 100 else f"{self.ratio:.3g}"
        return [self.what, amount(self.ours, self.unit), against, ratio, self.goal, verdict]

    def as_dict(self):
        return dataclasses.asdict(self)


def amount(value, unit):
    if unit == "s":
        return f"{value * 1e3:.1f} ms" if value < 0.2 else f"{value:.2f} s"
    if unit == "ns":
        return f"{value / 1e3:.2f} us"
    if unit == "bytes":
        return f"{value / MB:.1f} MB"
    if unit == "jobs/s":
        return f"{value / 1e6:.2f} M/s" if value >= 1e6 else f"{value:,.0f}/s"
    return f"{value:.3g} {unit}"


def faster(what, times, ours, peer, goal):
    """Times of two contenders: at least `goal` times the peer's speed."""
    mine, other = median(times[ours]), median(times[peer])
    ratio = other / mine
    return Result(what, mine, "s", peer, other, ratio, f">= {goal:g}" if goal else "",
                  ratio >= goal if goal else None, {ours: times[ours], peer: times[peer]})


def below(what, value, unit, limit, **more):
    """A figure that has a limit of its own."""
    return Result(what, value, unit, goal=f"< {amount(limit, unit)}", met=value < limit, **more)


@dataclasses.dataclass
class Bench:
    """Where things are, and how much of everything."""

    enjoin: str
    peers: str
    scratch: str
    env: dict
    runs: int
    scale: int

    def path(self, name):
        return os.path.join(self.scratch, name)

    def peer(self, name):
        path = os.path.join(self.peers, name)
        if not os.path.exists(path):
            raise Failed(f"{name} is not built")
        return path

    def lines(self, count, first=None, text=None):
        """A file of `count` lines, made once: the numbers from 1, or the same text each."""
        path = self.path(f"lines-{count}-{first}-{text}".replace(" ", "_"))
        if not os.path.exists(path):
            with open(path, "w") as file:
                if first is not None:
                    file.write(first + "\n")
                for begin in range(1, count + 1, 100_000):
                    block = range(begin, min(begin + 100_000, count + 1))
                    file.write("".join(f"{text or number}\n" for number in block))
        return path

    def bulk(self, size, offset=0):
        """A file of `size` bytes of lines, made once: a part of one endless text."""
        path = self.path(f"bulk-{offset}-{size}")
        if not os.path.exists(path):
            chunk = "".join(f"line {number:>6} of some text\n" for number in range(40_000)).encode()
            with open(path, "wb") as file:
                at = offset
                while at < offset + size:
                    begin = at % len(chunk)
                    piece = chunk[begin:begin + offset + size - at]
                    file.write(piece)
                    at += len(piece)
        return path

    def alternate(self, *contenders, runs=None):
        return alternate(contenders, runs or self.runs, self.env)

    def peak(self, contender):
        return peak_memory(contender, self.env)

    def output_of(self, argv):
        done = subprocess.run(argv, env=self.env, check=False, stdout=subprocess.PIPE)
        expect(done.returncode == 0, f"{os.path.basename(argv[0])} failed")
        return done.stdout


def expect(good, what):
    if not good:
        raise Failed(what)


def same_lines(output, inputs, in_order):
    """A check: the output holds each input line once, in order or not."""
    def check():
        with open(output, "rb") as file:
            got = file.read().split(b"\n")
        with open(inputs, "rb") as file:
            wanted = file.read().split(b"\n")
        expect(got == wanted if in_order else sorted(got) == sorted(wanted), "wrong output")
    return check


# ---- command jobs ----------------------------------------------------------------------------


def spawn(bench):
    """one /bin/true per input line, grouped, with a joblog"""
    count = 6000 // bench.scale
    inputs = bench.lines(count)
    log = bench.path("joblog")

    def check():
        with open(log, "rb") as file:
            expect(file.read().count(b"\n") == count + 1, "the joblog has not a row for each job")

    bare = "bare vfork+exec+wait loop, two processes"
    times = bench.alternate(
        Contender("enjoin", [bench.enjoin, "-j2", "--joblog", log, "/bin/true"], inputs,
                  check=check),
        Contender(bare, [bench.peer("bare_loop"), inputs, "/bin/true"]),
        Contender(XARGS, ["xargs", "-P2", "-n1", "/bin/true"], inputs),
        Contender(PARALLEL, ["parallel", "--will-cite", "-j2", "/bin/true"], inputs))
    what = f"`/bin/true` on each of {count:,} lines, `-j2`, grouped, joblog"
    return [faster(what, times, "enjoin", peer, goal)
            for peer, goal in ((bare, 0.90), (XARGS, 1.4), (PARALLEL, 8))]


def echo(bench):
    """echo on each line: -k against no -k, and xargs"""
    count = 6000 // bench.scale
    inputs = bench.lines(count)
    out = bench.path("echo-output")
    times = bench.alternate(
        Contender("enjoin", [bench.enjoin, "-j2", "-k", "echo"], inputs, out,
                  check=same_lines(out, inputs, True)),
        Contender("itself without -k", [bench.enjoin, "-j2", "echo"], inputs, out,
                  check=same_lines(out, inputs, False)),
        Contender(XARGS, ["xargs", "-P2", "-n1", "echo"], inputs, out,
                  check=same_lines(out, inputs, False)))
    what = f"`-k echo {{}}`, {count:,} lines into a file"
    return [faster(what, times, "enjoin", "itself without -k", 0.95),
            faster(what, times, "enjoin", XARGS, 1.4)]


def shell(bench):
    """a line that needs a shell"""
    count = 3000 // bench.scale
    inputs = bench.lines(count)
    out = bench.path("shell-output")
    check = same_lines(out, inputs, False)
    bare = "bare loop that spawns the same shell"
    times = bench.alternate(
        Contender("enjoin", [bench.enjoin, "-j2", "echo {}; true"], inputs, out, check=check),
        Contender(bare, [bench.peer("bare_loop"), "--shell", "/bin/bash", inputs, "echo {}; true"],
                  stdout=out, check=check),
        Contender(PARALLEL, ["parallel", "--will-cite", "-j2", "echo {}; true"], inputs, out,
                  check=check))
    what = f"`echo {{}}; true` (a shell each), {count:,} lines"
    return [faster(what, times, "enjoin", bare, 0.9), faster(what, times, "enjoin", PARALLEL, 0)]


def one(bench):
    """start to finish of one job"""
    times = bench.alternate(
        Contender("enjoin", [bench.enjoin, "/bin/true", ":::", "x"]),
        Contender("the bare program", ["/bin/true", "x"]),
        Contender("GNU parallel", ["parallel", "--will-cite", "/bin/true", ":::", "x"]),
        runs=bench.runs * 4)
    mine, bare = median(times["enjoin"]), median(times["the bare program"])
    return [Result("one `/bin/true`, start to finish", mine, "s", "the bare program", bare,
                   bare / mine, "<= 5 ms more", mine - bare <= 0.005, times),
            faster("the same", times, "enjoin", "GNU parallel", 20)]


# ---- long inputs -----------------------------------------------------------------------------


def lines(bench):
    """10 million lines with -X /bin/true, and memory while it runs"""
    count = 10_000_000 // bench.scale
    inputs, few = bench.lines(count), bench.lines(count // 10)
    log = bench.path("joblog-x")
    argv = [bench.enjoin, "-j2", "-X", "/bin/true"]
    run_once(Contender("enjoin", argv[:1] + ["--joblog", log] + argv[1:], inputs), bench.env)
    with open(log, "rb") as file:
        batches = file.read().count(b"\n") - 1
    expect(batches > 0, "no rows in the joblog")
    batch = -(-os.path.getsize(inputs) // batches)
    ideal = "two-process splitter, same batches"
    times = bench.alternate(
        Contender("enjoin", argv, inputs),
        Contender(ideal, [bench.peer("splitter"), inputs, str(batch), "/bin/true"]),
        Contender(XARGS, ["xargs", "-P2", "/bin/true"], inputs))
    what = f"{count / 1e6:g} M lines, `-X /bin/true` ({batches:,} jobs of {batch:,} bytes)"
    results = [faster(what, times, "enjoin", ideal, 0.85),
               faster(what, times, "enjoin", XARGS, 1.6)]
    peaks = [bench.peak(Contender("enjoin", argv, path)).bytes for path in (few, inputs)]
    results += memory_rows("memory of that, all our processes", peaks, count)
    return results


def memory_rows(what, peaks, count):
    few, many = peaks
    same = below(f"{what}: {count / 1e6:g} M", many, "bytes", 40 * MB)
    return [below(f"{what}: {count / 1e7:g} M", few, "bytes", 40 * MB), same,
            Result("growth from the former to the latter", many - few, "bytes",
                   goal="the same", met=many - few < max(2 * MB, 0.1 * few))]


# GNU parallel 20221122 --dry-run -k on 200,000 inputs, a slow first one: 561 s (measured once, by
# hand: it grows faster than the inputs do, so a shorter run of it flatters it).
PARALLEL_DRY_RUN = 200_000 / 561


def jobs(bench):
    """10 million jobs with -k and a slow first one: --dry-run, and the shell's no-op"""
    count = 10_000_000 // bench.scale
    dry = [bench.enjoin, "-j2", "-k", "--dry-run", "true"]
    no_op = [bench.enjoin, "-j2", "-k"]
    results = []
    for what, argv, text in (("`--dry-run -k true`", dry, None),
                             ("`-k`, jobs are `:`, the first `sleep 3`", no_op, ":")):
        paths = [bench.lines(n, first="sleep 3", text=text) for n in (count // 10, count)]
        out = bench.path("jobs-output")

        def check():
            with open(out, "rb") as file:
                size = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
            expect(size == (count + 1 if text is None else 0), "wrong number of lines")

        times = bench.alternate(Contender("enjoin", argv, paths[1], out, check=check))["enjoin"]
        rate = count / median(times)
        ratio = rate / PARALLEL_DRY_RUN
        results.append(Result(
            f"{what}, {count / 1e6:g} M jobs", rate, "jobs/s",
            "GNU parallel's dry run of 200,000 (561 s):", PARALLEL_DRY_RUN, ratio, ">= 1000",
            ratio >= 1000, {"enjoin": times}))
        peaks = [bench.peak(Contender("enjoin", argv, path)).bytes for path in paths]
        results += memory_rows("memory of that", peaks, count)
    inputs = bench.lines(20_000 // bench.scale)
    seconds = median(bench.alternate(Contender(
        PARALLEL, ["parallel", "--will-cite", "-j2", "-k", "--dry-run", "true"], inputs),
        runs=1)[PARALLEL])
    rate = 20_000 / bench.scale / seconds
    results.append(Result(f"(GNU parallel's dry run of only {20_000 // bench.scale:,}, now)",
                          rate, "jobs/s"))
    return results


def wide(bench):
    """-j1000 sleep 1 over 1,000 inputs, and memory of a worker"""
    count = 1000 // bench.scale
    argv = [bench.enjoin, f"-j{count}", "-N0", "sleep 1"]
    inputs = bench.lines(count)
    times = bench.alternate(
        Contender("enjoin", argv, inputs),
        Contender("one `sleep 1`", ["sleep", "1"]),
        Contender(f"xargs -P{count}", ["xargs", f"-P{count}", "-I{}", "sleep", "1"], inputs))
    mine, bare = median(times["enjoin"]), median(times["one `sleep 1`"])
    what = f"`-j{count} sleep 1`, {count:,} inputs"
    peak = bench.peak(Contender("enjoin", argv, inputs))
    return [Result(what, mine, "s", "one `sleep 1`", bare, bare / mine, "<= 1.5 s more",
                   mine - bare <= 1.5, times),
            faster(what, times, "enjoin", f"xargs -P{count}", 0),
            Result(f"memory of that, each of {peak.processes:,} processes",
                   peak.bytes / max(peak.processes, 1), "bytes", goal="reported")]


# ---- output ----------------------------------------------------------------------------------


def burst(bench):
    """10 jobs of 200 MB each into wc -c"""
    size = 200_000_000 // bench.scale
    count = 10
    inputs = bench.lines(count, text=str(size))
    out = bench.path("burst-count")

    def check():
        with open(out) as file:
            expect(int(file.read()) == size * count, "bytes were lost or added")

    def contender(name, argv):
        return Contender(name, argv, inputs, out, pipe_into=["wc", "-c"], check=check)

    argv = [bench.enjoin, "-j2", "head -c {} /dev/zero"]
    ungrouped = "xargs -P2 (not grouped)"
    times = bench.alternate(
        contender("enjoin", argv),
        contender(PARALLEL, ["parallel", "--will-cite", "-j2", "head -c {} /dev/zero"]),
        contender(ungrouped, ["xargs", "-P2", "-I{}", "head", "-c", "{}", "/dev/zero"]))
    what = f"10 jobs of {size / MB:g} MB each into `wc -c`, exact"
    return [faster(what, times, "enjoin", PARALLEL, 2), faster(what, times, "enjoin", ungrouped, 0),
            below("memory of that", bench.peak(contender("enjoin", argv)).bytes, "bytes", 64 * MB)]


# ---- semaphores ------------------------------------------------------------------------------


def sem(bench):
    """commands under a semaphore, one call after the other"""
    count, few = 1000 // bench.scale, 50 // bench.scale + 1
    loop = ('i=0; while [ $i -lt "$2" ]; do $1 -j2 --id bench true; i=$((i+1)); done; '
            '$1 --id bench --wait')

    def seconds_each(name, program, calls):
        return Contender(name, ["sh", "-c", loop, "sh", program, str(calls)])

    times = bench.alternate(
        seconds_each("enjoin", f"{bench.enjoin} sem", count),
        seconds_each("GNU sem", "parallel --will-cite --semaphore", few))
    times["GNU sem"] = [seconds * count / few for seconds in times["GNU sem"]]
    what = f"`sem -j2 true`, {count:,} in a row (GNU sem: {few}, times {count / few:g})"
    return [faster(what, times, "enjoin", "GNU sem", 15)]


def resume(bench):
    """--resume over a long joblog, to the first new job: against an awk that collects the numbers"""
    count = 1_000_000 // bench.scale
    inputs = bench.lines(count + 1)
    log = bench.path("resume.log")
    with open(log, "w") as file:
        file.write("Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n")
        for seq in range(1, count + 1):
            file.write(f"{seq}\t:\t1700000000.123\t     0.001\t0\t5\t0\t0\techo {seq}\n")

    def check():
        with open(log, "rb") as file:
            expect(file.read().count(b"\n") == count + 2, "not the one job that was left")

    # Each run begins with the log as it was.
    again = 'truncate -s "$2" "$3" && exec "$1" -j1 --resume --joblog "$3" echo'
    ours = Contender("enjoin", ["sh", "-c", again, "sh", bench.enjoin, str(os.path.getsize(log)), log],
                     inputs, check=check)
    awk = "awk, the numbers into an array"
    times = bench.alternate(ours, Contender(awk, ["awk", "{seen[$1] = 1}", log], inputs))
    what = f"`--joblog --resume` over {count:,} rows, one job left"
    return [faster(what, times, "enjoin", awk, 0.5),
            below(f"{what}: memory", bench.peak(ours).bytes, "bytes", 200 * MB)]


# ---- pieces of the input ---------------------------------------------------------------------


def pipe(bench):
    """1 GB through --pipe --block 10M cat, of a file and of a pipe"""
    size = 1_000_000_000 // bench.scale
    data = bench.bulk(size)
    arguments = ["-j2", "--pipe", "--block", "10M", "cat"]
    whole = subprocess.run(f"'{bench.enjoin}' -k {' '.join(arguments)} < '{data}' | cmp - '{data}'",
                           shell=True, env=bench.env, check=False)
    expect(whole.returncode == 0, "bytes were lost, added or changed")
    ours, theirs = [bench.enjoin] + arguments, ["parallel", "--will-cite"] + arguments
    feed = ["sh", "-c", 'cat "$0" | "$@"', data]
    results = []
    for kind, begin, stdin in (("a file", [], data), ("a pipe", feed, os.devnull)):
        times = bench.alternate(Contender("enjoin", begin + ours, stdin),
                                Contender(PARALLEL, begin + theirs, stdin))
        what = f"`--pipe --block 10M cat`, {size / 1e9:g} GB from {kind}"
        results.append(faster(what, times, "enjoin", PARALLEL, 3))
    return results


def part(bench):
    """1 GB through --pipepart --block -1 wc -l"""
    size = 1_000_000_000 // bench.scale
    data = bench.bulk(size)
    halves = [bench.bulk(size // 2), bench.bulk(size - size // 2, size // 2)]
    out = bench.path("part-lines")
    wanted = int(subprocess.run(["wc", "-l", data], stdout=subprocess.PIPE, check=True)
                 .stdout.split()[0])

    def check():
        with open(out) as file:
            expect(sum(int(line) for line in file) == wanted, "lines were lost or added")

    arguments = ["-j2", "--pipepart", "-a", data, "--block", "-1", "wc", "-l"]
    ideal = "two `wc -l`, a half each"
    times = bench.alternate(
        Contender("enjoin", [bench.enjoin] + arguments, stdout=out, check=check),
        Contender(ideal, ["sh", "-c", 'wc -l < "$0" & wc -l < "$1" & wait'] + halves, stdout=out,
                  check=check),
        Contender(PARALLEL, ["parallel", "--will-cite"] + arguments, stdout=out, check=check))
    what = f"`--pipepart --block -1 wc -l`, {size / 1e9:g} GB"
    return [faster(what, times, "enjoin", PARALLEL, 1.5),
            faster(what, times, "enjoin", ideal, 0.8)]


# ---- workers without commands ----------------------------------------------------------------


def measure_in_turn(bench, programs):
    """{name: [each run's JSON answer]} of programs that time themselves."""
    answers = {name: [] for name in programs}
    for number in range(bench.runs):
        for name, argv in programs.items():
            show_progress(f"run {number + 1} of {bench.runs}: {name}")
            answers[name].append(json.loads(bench.output_of(argv)))
    show_progress("")
    return answers


def queue(bench):
    """the queue as a pool of two workers on 64-byte jobs"""
    count = 2_000_000 // bench.scale
    boost, python = "Boost message_queue pool", "Python Pool.map, chunk size 1"
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pool_map.py")
    answers = measure_in_turn(bench, {
        "enjoin": [bench.peer("queue_pool"), str(count * 5)],
        boost: [bench.peer("mq_pool"), str(count)],
        python: [sys.executable, script, str(count // 20)]})
    rates = {name: [answer["jobs_per_second"] for answer in list_]
             for name, list_ in answers.items()}
    mine = median(rates["enjoin"])
    return [Result("two workers, 64-byte jobs and results, crash-safe", mine, "jobs/s", peer,
                   median(rates[peer]), mine / median(rates[peer]), f">= {goal}",
                   mine / median(rates[peer]) >= goal, rates)
            for peer, goal in ((boost, 4), (python, 100))]


def roundtrip(bench):
    """blocking round trip supervisor-worker-supervisor"""
    results = []
    rounds = 50_000 // bench.scale
    bare, boost = "bare futex+eventfd", "Boost message_queue"
    for cores in ("one", "two"):
        answers = measure_in_turn(bench, {
            "enjoin": [bench.peer("roundtrip"), cores, str(rounds)],
            bare: [bench.peer("pingpong"), "bare", cores, str(rounds)],
            boost: [bench.peer("pingpong"), "mq", cores, str(rounds)]})
        for kind, label in (("wall_ns", "round trip"), ("cpu_ns", "CPU time of it")):
            values = {name: [answer[kind] for answer in list_] for name, list_ in answers.items()}
            middle = {name: median(samples) for name, samples in values.items()}
            what = f"blocking {label}, on {cores} core{'s' if cores == 'two' else ''}"
            is_wall = kind == "wall_ns"
            for peer, limit in ((bare, 1.05), (boost, 1.0)):
                share = middle["enjoin"] / middle[peer]
                results.append(Result(what, middle["enjoin"], "ns", peer, middle[peer], 1 / share,
                                      f"time <= {limit:g} x" if is_wall else "reported",
                                      share <= limit if is_wall else None, values))
    return results


ROWS = {row.__name__: row for row in (spawn, echo, shell, one, lines, jobs, wide, burst, sem, resume,
                                      pipe, part, queue, roundtrip)}
