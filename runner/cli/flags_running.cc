#include "runner/cli/flag_groups.h"

namespace enjoin {
namespace {

using Argument = Flag::Argument;
using Group = Flag::Group;

constexpr Flag kFlags[] = {
    {.name = "jobs",
     .aliases = "max-procs maxprocs",
     .letters = "jP",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kRunning,
     .brief = "N jobs at once; 150% +2 -1: of the CPUs; 0: the most",
     .text = "Run up to `N` jobs at once. `N%`, `+N` and `-N` are reckoned from the number of CPUs "
             "(percentages are rounded up, and at least one job runs), 0 is as many as possible, "
             "and a file's name stands for what the file holds, which may change while jobs run. "
             "With `auto` there are more jobs than CPUs while jobs wait and CPUs idle, and fewer "
             "while processes wait for memory. "
             "Without `-j`, there is one job for each CPU that may really be used: the affinity "
             "mask and the cgroup's CPU quota are looked at."},
    {.name = "jobserver",
     .argument = Argument::kRequired,
     .metavar = "HOW",
     .group = Group::kRunning,
     .text =
         "How slots are shared with make and its like. `auto` (the default; `off` when called "
         "`parallel`): started by a make that offers a jobserver (`MAKEFLAGS`), run a job only "
         "with a slot from there, and without `-j` as many as that make's `-j`; else, where the "
         "command is `make`, `gmake`, `cargo`, `ninja` or `enjoin`, share `-j` slots between "
         "all jobs and what they start, so that `enjoin -j8 make -C {} ::: a b c` runs eight "
         "compilers. `pipe` and `fifo` share them with any jobs, in the style of that name "
         "(`fifo` needs GNU make 4.4 or ninja 1.13). Slots of a job that dies come back.",
     .values = "auto off pipe fifo"},
    {.name = "delay",
     .argument = Argument::kRequired,
     .metavar = "TIME",
     .group = Group::kRunning,
     .text = "Wait `TIME` after the start of a job before the next one is started. Times are "
             "seconds, or sums such as `2m`, `1h30m`, `1.5d`. With `auto` at its end, the time "
             "grows by 30 % with each job that fails and shrinks by 10 % with each that succeeds."},
    {.name = "timeout",
     .argument = Argument::kRequired,
     .metavar = "TIME",
     .group = Group::kRunning,
     .brief = "stop a job after TIME: 30 2m 1h 200% (of the median)",
     .text = "Stop a job that runs for longer than `TIME`, with all processes that it started, and "
             "count it as failed. `200%` is twice the median run time of the jobs that succeeded "
             "so far."},
    {.name = "retries",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kRunning,
     .brief = "run a failing job up to N times in all",
     .text = "Run a job that fails up to `N` times in all. 0 is without end. Only the last run is "
             "logged, and only its output is printed, but for what `-u` and `--line-buffer` print "
             "at once."},
    {.name = "halt",
     .aliases = "halt-on-error haltonerror",
     .argument = Argument::kRequired,
     .metavar = "WHEN,WHY=N",
     .group = Group::kRunning,
     .brief = "stop early: now,fail=1 soon,fail=10% now,success=1",
     .text = "Stop early, when `N` jobs have ended in a certain way. WHEN is `soon` (start no more "
             "jobs, let the running ones end) or `now` (stop the running ones too). WHY is "
             "`fail`, `success` or `done`. `N%` is of all jobs, and is decided on once all inputs "
             "have been read. `never` is the default; the old forms `0` (never), `1` "
             "(`soon,fail=1`), `2` (`now,fail=1`), `-1` (`soon,success=1`), `-2` "
             "(`now,success=1`) and `N%` (`soon,fail=N%`) are understood.",
     .values = "never now,fail=1 soon,fail=1 now,success=1 soon,success=1 now,done=1 soon,done=1"},
    {.name = "keep-going",
     .group = Group::kRunning,
     .text = "Run the next stage (`--then`) although jobs of the one before it failed.",
     .whole_only = true},
    {.name = "term-seq",
     .aliases = "termseq",
     .argument = Argument::kRequired,
     .metavar = "SIG,MS,...",
     .group = Group::kRunning,
     .text = "How jobs are stopped: signals, each with the milliseconds to wait before the next. "
             "The default is `TERM,200,TERM,100,TERM,50,KILL,25`."},
    {.name = "nice",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kRunning,
     .text = "Run the jobs at niceness `N`. 19 gives way to everything else; below our own is "
             "root's to ask for."},
    {.name = "rlimit",
     .argument = Argument::kRequired,
     .metavar = "NAME=VALUE,...",
     .group = Group::kRunning,
     .text = "Set resource limits for each process of a job. Names are those of setrlimit(2) in "
             "small letters: `as`, `core`, `cpu`, `data`, `fsize`, `memlock`, `nofile`, `nproc`, "
             "`stack` and so on. Values are sizes, numbers or times as the limit has it, or "
             "`unlimited`: `--rlimit as=2G,nproc=64,cpu=10m`."},
    {.name = "workdir",
     .aliases = "work-dir wd",
     .argument = Argument::kRequired,
     .metavar = "FOLDER",
     .group = Group::kRunning,
     .text =
         "Run the jobs in `FOLDER`, which may hold replacement strings and is made where it is "
         "missing. `...` is a fresh folder for each job under `~/.parallel/tmp`, removed when it "
         "has ended.",
     .values = "FILE"},
    {.name = "env",
     .argument = Argument::kRequired,
     .metavar = "NAME",
     .group = Group::kRunning,
     .text = "Hand the variable or function `NAME` on to the jobs; `_` is all. Jobs get all that "
             "are exported anyway."},
    {.name = "process-slot-var",
     .aliases = "processslotvar",
     .argument = Argument::kRequired,
     .metavar = "NAME",
     .group = Group::kRunning,
     .text = "Set the variable `NAME` to the job's slot, counted from 0."},
    {.name = "tty",
     .group = Group::kRunning,
     .text = "Give the jobs our terminal as stdin. One job runs at a time and writes straight to "
             "stdout, unless `-j` or `--group` say otherwise."},
    {.name = "open-tty",
     .aliases = "opentty",
     .letters = "o",
     .group = Group::kRunning,
     .text = "Give the jobs our terminal as stdin, and change nothing else."},
    {.name = "interactive",
     .letters = "p",
     .group = Group::kRunning,
     .text = "Ask on the terminal before each job; it is run where the answer begins with `y` or "
             "`Y`. Implies `-t`."},
    {.name = "worker-loss",
     .argument = Argument::kRequired,
     .metavar = "WHAT",
     .group = Group::kRunning,
     .text =
         "What becomes of a job whose worker process died while the job ran. `fail` (the "
         "default) counts it as failed and names it; `requeue` runs it again, up to three times "
         "in all, which is right where running a job twice does no harm. A job that had not "
         "begun always goes to another worker.",
     .values = "fail requeue"},
    {.name = "leftovers",
     .argument = Argument::kRequired,
     .metavar = "WHAT",
     .group = Group::kRunning,
     .text = "What becomes of processes that a job leaves behind when it ends by itself. `keep` "
             "(the default) lets them live; `report` lets them live and names them; `kill` kills "
             "them; `fail` kills them and counts the job as failed. A job that is stopped, by a "
             "timeout or otherwise, always takes all its processes along.",
     .values = "keep report kill fail"},
    {.name = "isolate",
     .argument = Argument::kRequired,
     .metavar = "WHAT",
     .group = Group::kRunning,
     .text = "How far jobs are shut in. `none` (the default): they are ordinary processes. `pid`: "
             "each runs in a pid namespace of its own, sees no process but its own, and none of "
             "its processes outlives it, not even with `--leftovers keep`; neither does any when "
             "enjoin is killed. Its /tmp is empty and its own: of ours it sees only the folder "
             "that it runs in, where that is below /tmp (which /tmp itself cannot be). It cannot "
             "gain privileges (`sudo` fails). Needs root, or a kernel that lets users make user "
             "namespaces; where that is missing enjoin says so and starts nothing. A job takes "
             "about a millisecond longer.",
     .values = "none pid"},
};

constexpr Flag kAdmission[] = {
    {.name = "load",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kAdmission,
     .text = "Start a job only while fewer than `N` processes run or wait for a disk. `N` is "
             "written as for `-j`: a number (0 is 0.01), `80%` of the CPUs, `-1`, or a file that "
             "holds one of these and may change."},
    {.name = "memfree",
     .argument = Argument::kRequired,
     .metavar = "SIZE",
     .group = Group::kAdmission,
     .text =
         "Start a job only while `SIZE` bytes of memory are free. Below half of it the "
         "youngest job is stopped and run again later; where it is the only one, this counts as "
         "one of its `--retries`. Sizes take the suffixes K, M, G, T, P."},
    {.name = "memsuspend",
     .argument = Argument::kRequired,
     .metavar = "SIZE",
     .group = Group::kAdmission,
     .text = "Suspend jobs while less than twice `SIZE` bytes of memory are free, and all but one "
             "below `SIZE`. They go on when there is memory again."},
    {.name = "noswap",
     .group = Group::kAdmission,
     .text = "Start no job while the machine swaps pages both in and out."},
    {.name = "limit",
     .argument = Argument::kRequired,
     .metavar = "COMMAND",
     .group = Group::kAdmission,
     .text = "Ask `COMMAND` before each job. Its exit status says: 0 start it, 1 wait, 2 wait and "
             "stop the youngest job. `io N`, `load N` and `mem SIZE` are built in."},
    {.name = "use-cores-instead-of-threads",
     .aliases = "usecoresinsteadofthreads",
     .group = Group::kAdmission,
     .text = "Count cores, not hardware threads, where `-j` is reckoned from the CPUs."},
    {.name = "use-sockets-instead-of-threads",
     .aliases = "usesocketsinsteadofthreads use-cpus-instead-of-cores usecpusinsteadofcores",
     .group = Group::kAdmission,
     .text = "Count CPU sockets, not hardware threads, where `-j` is reckoned from the CPUs."},
};

}  // namespace

std::span<const Flag> running_flags() {
  return kFlags;
}

std::span<const Flag> admission_flags() {
  return kAdmission;
}

}  // namespace enjoin
