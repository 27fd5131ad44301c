// --isolate=pid: each job in a pid namespace and with a /tmp of its own.

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <sched.h>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "support/isolated.h"

using namespace enjoin::test;

namespace {

constexpr const char* kIsolate = "--isolate=pid";

constexpr std::uint32_t word(unsigned long number) {
  return static_cast<std::uint32_t>(number);
}

// In the child of a test: from here on the kernel makes no namespaces for it. Clone gets its flags
// in the first argument; glibc does not use clone3 where we do.
void forbid_namespaces() {
  constexpr std::uint32_t forbidden = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER;
  const sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(SYS_unshare), 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(SYS_clone), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, forbidden, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, word(SECCOMP_RET_ERRNO) | EPERM),
      BPF_STMT(BPF_RET | BPF_K, word(SECCOMP_RET_ALLOW)),
  };
  const sock_fprog program{std::size(filter), const_cast<sock_filter*>(filter)};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

// Sandboxes lie below /tmp here, whatever $TMPDIR is.
struct BelowTmp {
  BelowTmp() { ::setenv("TMPDIR", "/tmp", 1); }
};

}  // namespace

TEST_CASE("isolate: a job sees the processes of its own only") {
  if (!can_isolate()) return;
  const Sandbox box;
  const Ran ran =
      box.enjoin({kIsolate, "-j2", "echo $PPID $$; echo /proc/[0-9]*; :", ":::", "a", "b"});
  CHECK(ran.out == "1 2\n/proc/1 /proc/2\n1 2\n/proc/1 /proc/2\n");
  CHECK(ran.status == 0);
}

TEST_CASE("isolate: none is the default, and can be asked for") {
  const Sandbox box;
  CHECK(box.enjoin({"--isolate=none", "test $PPID != 1 #", ":::", "a"}).status == 0);
  CHECK(box.enjoin({"test $PPID != 1 #", ":::", "a"}).status == 0);
  const Ran ran = box.enjoin({"--isolate=full", "true", ":::", "a"});
  CHECK(ran.status == 255);
  CHECK(ran.says("--isolate 'full': expected none or pid"));
}

TEST_CASE("isolate: each job's /tmp is empty, its own, and gone after it") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  const Sandbox box;
  const std::string name = "/tmp/enjoin-isolate-" + std::to_string(::getpid());
  const Ran ran = box.enjoin(
      {kIsolate, "-j1", "ls -A /tmp; echo {} >" + name + "; cat " + name, ":::", "a", "b"});
  CHECK(ran.out == "a\nb\n");
  CHECK(::access(name.c_str(), F_OK) != 0);
}

TEST_CASE("isolate: of /tmp a job sees the folder that it runs in, and its $TMPDIR empty") {
  if (!can_isolate()) return;
  const BelowTmp below;
  const Sandbox box;
  box.write("../home/secret", "x");
  box.write("../tmp/other", "x");
  const Ran ran = box.enjoin({kIsolate,
                              "echo {} >kept; ls -A ../home $TMPDIR /tmp | wc -l; "
                              "echo x >$TMPDIR/mine; cat $TMPDIR/mine; test $PWD = $(pwd)",
                              ":::", "a"});
  CHECK(ran.says("../home"));  // ls: there is none
  CHECK(lines_of(ran.out).back() == "x");
  CHECK(ran.status == 0);
  CHECK(box.read("kept") == "a\n");
  CHECK_FALSE(box.has("../tmp/mine"));
}

TEST_CASE("isolate: jobs cannot run in /tmp itself") {
  const Sandbox box;
  for (const char* script : {"cd /tmp; enjoin --isolate=pid 'touch ran' ::: a",
                             "enjoin --isolate=pid --workdir /tmp 'touch ran' ::: a"}) {
    const Ran ran = box.shell(script);
    CHECK(ran.status == 255);
    CHECK(ran.says("jobs cannot run in /tmp itself"));
  }
  CHECK_FALSE(box.has("/tmp/ran"));
}

TEST_CASE("isolate: --workdir, per job, fresh, or one, is seen at its place") {
  if (!can_isolate()) return;
  const BelowTmp below;
  const Sandbox box;
  const Ran ran =
      box.enjoin({kIsolate, "--workdir", "w/{}", "echo {} >f; pwd | tail -c4", ":::", "a", "b"});
  CHECK(sorted_lines(ran.out) == "w/a\nw/b\n");
  CHECK(box.read("w/a/f") == "a\n");
  CHECK(box.read("w/b/f") == "b\n");
  CHECK(box.shell("enjoin --isolate=pid --workdir ... 'echo x >f; ls #' ::: a").out == "f\n");
  CHECK(box.shell("ls ~/.parallel/tmp").out.empty());
}

TEST_CASE("isolate: data comes by --pipe, --cat and --fifo, and goes to --results and --files") {
  if (!can_isolate()) return;
  const BelowTmp below;
  const Sandbox box;
  CHECK(box.shell("seq 6 | enjoin -k --isolate=pid --pipe -N3 wc -l").out == "3\n3\n");
  CHECK(box.shell("seq 6 | enjoin -k --isolate=pid --pipe -N3 --cat 'wc -l <{}'").out == "3\n3\n");
  CHECK(box.shell("seq 6 | enjoin -k --isolate=pid --pipe -N3 --fifo 'wc -l <{}'").out == "3\n3\n");
  CHECK(box.left_in_tmp().empty());
  box.shell("enjoin --isolate=pid --results out echo {} ::: a");
  CHECK(box.read("out/1/a/stdout") == "a\n");
  CHECK(box.shell("cat $(enjoin --isolate=pid --files echo {} ::: b); rm -f $TMPDIR/*").out ==
        "b\n");
}

TEST_CASE("isolate: what many jobs print and how they end is as ever") {
  if (!can_isolate()) return;
  const Sandbox box;
  const std::string rest =
      " -k -j4 --tag --joblog log$I 'echo {}; echo e{} >&2; exit $(({} % 7))' ::: $(seq 60); "
      "echo $?; cut -f1,7-9 log$I";
  const std::string plain = box.shell("I=0; enjoin" + rest).out;
  CHECK(lines_of(plain).size() == 122);
  CHECK(box.shell("I=1; enjoin --isolate=pid" + rest).out == plain);
}

TEST_CASE("isolate: signals and a program that is not there are told as they are") {
  if (!can_isolate()) return;
  const Sandbox box;
  box.enjoin({kIsolate, "-k", "--joblog", "log", "kill -{} $$", ":::", "9", "15", "34", "64"});
  CHECK(box.shell("cut -f7,8 log").out == "Exitval\tSignal\n137\t9\n143\t15\n162\t34\n192\t64\n");
  const Ran ran = box.enjoin({kIsolate, "--joblog", "log", "no-such-program", ":::", "a"});
  CHECK(ran.says("not found"));
  CHECK(box.shell("cut -f7 log").out == "Exitval\n127\n");
  box.write("no-line", "echo script $1\n");
  CHECK(box.shell("chmod +x no-line; enjoin --isolate=pid ./no-line ::: a").out == "script a\n");
}

TEST_CASE("isolate: limits, niceness, ignored signals and environment are the job's") {
  if (!can_isolate()) return;
  const Sandbox box;
  const std::string job =
      "'ulimit -n; ulimit -c; nice; echo $PARALLEL_SEQ $PARALLEL_JOBSLOT; "
      "grep -E \"^Sig(Blk|Ign)\" /proc/self/status' ::: a";
  const std::string rest = " -N0 --rlimit nofile=20,core=0 --nice 3 " + job;
  for (const char* before : {"", "trap '' USR1; ulimit -Sn 99; "}) {
    const std::string plain = box.shell(std::string(before) + "enjoin" + rest).out;
    CHECK(lines_of(plain).size() == 6);
    CHECK(box.shell(std::string(before) + "enjoin --isolate=pid" + rest).out == plain);
  }
}

TEST_CASE("isolate: a job may stop reading its stdin, and go on") {
  if (!can_isolate()) return;
  const Sandbox box;
  const Ran ran = box.shell(
      "seq 100000 | enjoin --isolate=pid --pipe --block 1M 'head -n1; exec <&-; echo on'");
  CHECK(ran.out == "1\non\n");
}

TEST_CASE("isolate: a job that times out gets the steps of the ladder, and so does its group") {
  if (!can_isolate()) return;
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running running = box.start({kIsolate, "-N0", "--timeout", "3", "--joblog", "log", "--termseq",
                               "TERM,20000,KILL,25",
                               "(trap 'echo group; exit' TERM; echo >here; while :; do sleep 0.1; "
                               "done) & trap 'echo leader; exit 5' TERM; setsid sleep 1000 & wait",
                               ":::", "a"});
  here.wait_line();
  const Ran ran = running.wait();
  CHECK(sorted_lines(ran.out) == "group\nleader\n");
  CHECK(ran.says("timed out"));
}

TEST_CASE("isolate: one that ignores all signals, or stands still, is killed") {
  if (!can_isolate()) return;
  const Sandbox box;
  const std::string program = bring_job(box, "block_signals");
  for (const std::string& job : {program + " #", std::string("kill -STOP $$ #")}) {
    const Ran ran = box.enjoin({kIsolate, "--timeout", "0.5", job, ":::", "a"});
    CHECK(ran.status == 1);
    CHECK(ran.says("timed out"));
  }
}

TEST_CASE("isolate: INT ends the jobs, with what they left in other sessions") {
  if (!can_isolate()) return;
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running running = box.start(
      {kIsolate, "-j2", "--termseq", "TERM,20000,KILL,25",
       "trap 'echo ended {}; exit' TERM; setsid sleep 1000 & echo >here; wait", ":::", "a", "b"});
  here.wait_line();
  here.wait_line();
  running.signal(SIGINT);
  const Ran ran = running.wait();
  CHECK(sorted_lines(ran.out) == "ended a\nended b\n");
}

TEST_CASE("isolate: TSTP stops the jobs too, CONT lets all go on") {
  if (!can_isolate()) return;
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  Running running = box.start({kIsolate, "-N0",
                               "trap 'echo continued' CONT; echo >here; "
                               "until read -t 1000 x <go; do :; done; echo on",
                               ":::", "a"});
  here.wait_line();
  running.signal(SIGTSTP);
  running.wait_stopped();
  go.write("\n");
  running.signal(SIGCONT);
  const Ran ran = running.wait();
  CHECK(ran.status == 0);
  CHECK(sorted_lines(ran.out).ends_with("on\n"));  // "continued" may come before it or after
}

TEST_CASE("isolate: what a job leaves behind is killed, whatever --leftovers says") {
  if (!can_isolate()) return;
  const Sandbox box;
  const std::string job = "setsid sh -c 'echo >here; exec sleep 1000' & read x <here; echo ended";
  for (const std::string what : {"keep", "report", "kill", "fail"}) {
    box.shell("rm -f here; mkfifo here");
    const Ran ran = box.enjoin({kIsolate, "-N0", "--leftovers", what, job, ":::", "a"});
    CHECK(ran.out == "ended\n");
    CHECK(ran.says("left processes, now killed") == (what != "keep"));
    CHECK(ran.status == (what == "fail" ? 1 : 0));
  }
}

TEST_CASE("isolate: nothing of ours is open in the job's first process, or mapped") {
  if (!can_isolate()) return;
  const Sandbox box;
  const Ran ran = box.enjoin({kIsolate,
                              "grep -c memfd: /proc/1/maps; ls -l /proc/1/fd | grep -c -- '->.*/'; "
                              "tr '\\0' '\\n' </proc/self/environ | grep -c memfd; :",
                              ":::", "a"});
  for (const std::string& line : lines_of(ran.out)) CHECK(line == "0");
}

TEST_CASE("isolate: privileges cannot be gained") {
  if (!can_isolate()) return;
  const Sandbox box;
  CHECK(box.enjoin({kIsolate, "grep NoNewPrivs /proc/self/status #", ":::", "a"}).out ==
        "NoNewPrivs:\t1\n");
}

TEST_CASE("isolate: our terminal cannot be handed on") {
  const Sandbox box;
  for (const char* option : {"--tty", "--open-tty"}) {
    const Ran ran = box.enjoin({kIsolate, option, "touch ran", ":::", "a"});
    CHECK(ran.status == 255);
    CHECK(ran.says("--isolate and --tty or --open-tty exclude each other"));
  }
  CHECK_FALSE(box.has("ran"));
}

TEST_CASE("isolate: sem's commands can be isolated, too") {
  if (!can_isolate()) return;
  const Sandbox box;
  CHECK(box.shell("enjoin sem --fg --isolate=pid 'echo $$'").out == "2\n");
}

TEST_CASE("isolate: where namespaces are forbidden it says what is missing, and starts nothing") {
  const Sandbox box;
  RunOptions options;
  options.before_exec = forbid_namespaces;
  const Ran ran = box.enjoin({kIsolate, "touch", ":::", "ran"}, options);
  CHECK(ran.status == 255);
  CHECK(ran.says("--isolate=pid cannot be had here: making "));
  CHECK(ran.says("user.max_user_namespaces"));
  CHECK_FALSE(box.has("ran"));
}

TEST_CASE("isolate: ordinary users have it too, where the kernel lets them") {
  if (!can_isolate() || !is_root("become an ordinary user")) return;
  const Sandbox box;
  // Where they can be found and opened by that user.
  box.shell("cp $(readlink ../bin/enjoin) " ENJOIN_WORKER " . && chmod a+rx . .. enjoin*");
  const std::string user = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
  if (!box.shell(user + "unshare -U true").err.empty()) {
    MESSAGE("SKIPPED: users may not make user namespaces");
    return;
  }
  const std::string script =
      "export TMPDIR=/var/tmp; " + user +
      "./enjoin --isolate=pid -k --timeout 60 'id -u; id -g; echo $$ /proc/[0-9]*; "
      "grep -E \"^Cap(Prm|Eff)\" /proc/self/status; cat /proc/1/maps; setsid sleep 1000 & #' ::: a";
  const Ran ran = box.shell(script);
  CHECK(lines_of(ran.out) == std::vector<std::string>{"65534", "65534", "2 /proc/1 /proc/2",
                                                      "CapPrm:\t0000000000000000",
                                                      "CapEff:\t0000000000000000"});
  CHECK(ran.says("maps: Permission denied"));
  CHECK(ran.status == 0);
}

TEST_CASE("isolate: --version=all tells whether it works here") {
  const Sandbox box;
  const std::string text = box.enjoin({"--version=all"}).out;
  CHECK(text.find("pid namespaces (--isolate)   ") != std::string::npos);
}
