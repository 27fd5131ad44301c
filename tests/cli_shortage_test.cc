// The world gives less than usual: no disk, no descriptors, no processes, no /proc, no stdin.
// Either the run is whole, or it says what was missing; never success with a part of it.

#include <array>
#include <cstdio>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "ipc/unique_fd.h"
#include "support/cli.h"
#include "support/death.h"
#include "support/sanitized.h"

using namespace enjoin::test;

namespace {

// A script's beginning that gives it mounts of its own, or "".
const std::string& own_mounts() {
  static const std::string prefix = [] {
    const Sandbox box;
    for (const char* how : {"unshare -m", "unshare -rm"}) {
      if (box.shell(std::string(how) + " mount -t tmpfs none ../tmp").status == 0) return how;
    }
    return "";
  }();
  return prefix;
}

Ran with_mounts(const Sandbox& box, const std::string& script) {
  box.write("script", script);
  return box.shell(own_mounts() + " bash ./script");
}

#define NEEDS_MOUNTS()                                                     \
  if (own_mounts().empty()) {                                              \
    MESSAGE("SKIPPED: this machine allows no mount namespace of its own"); \
    return;                                                                \
  }

std::string lines(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += std::to_string(i) + '\n';
  return text;
}

// All there, or an error that says something.
void check_honest(const Ran& ran, const std::string& whole) {
  CAPTURE(ran.status);
  CAPTURE(ran.err);
  if (ran.status == 0) {
    CHECK(sorted_lines(ran.out) == sorted_lines(whole));
  } else {
    CHECK_FALSE(ran.err.empty());
    CHECK(ran.status <= 255);
  }
}

constexpr const char* kTenJobs = "enjoin -j10 echo ::: 1 2 3 4 5 6 7 8 9 10";

}  // namespace

// ---- disks -------------------------------------------------------------------------------------

TEST_CASE("shortage: a job that fills TMPDIR fails, by name, and the others do not") {
  NEEDS_MOUNTS();
  const Sandbox box;
  const Ran ran = with_mounts(box,
                              "mount -t tmpfs -o size=1m none $TMPDIR\n"
                              "enjoin -j1 --joblog log 'seq {} || :' ::: 3 400000 5");
  CHECK(ran.status == 1);
  CHECK(ran.says("No space left on device"));
  CHECK(ran.out.starts_with(lines(1, 3)));
  CHECK(ran.out.ends_with(lines(1, 5)));
  const auto log = lines_of(box.read("log"));
  CHECK(log.size() <= 4);
}

TEST_CASE("shortage: a TMPDIR that holds what waits is enough for a long run") {
  NEEDS_MOUNTS();
  const Sandbox box;
  // 3,000 outputs of 4 KiB, each of which passes through the spool for its tags. Most of them may
  // wait there, as where the one that is to be printed next is late on a busy machine.
  const Ran ran = with_mounts(box,
                              "mount -t tmpfs -o size=9m none $TMPDIR\n"
                              "seq 3000 | enjoin -k -j2 --tag 'printf %04095d {}; echo' | wc -c");
  CHECK(ran.err.empty());
  CHECK(ran.out == std::to_string(3000 * 4097 + 9 + 2 * 90 + 3 * 900 + 4 * 2001) + '\n');
}

TEST_CASE("shortage: results that find no room are named, and the job counts as failed") {
  NEEDS_MOUNTS();
  const Sandbox box;
  const Ran ran = with_mounts(box,
                              "mkdir res; mount -t tmpfs -o size=1m none res\n"
                              "enjoin -j1 --results res 'seq {} || :' ::: 3 400000\n");
  CHECK(ran.status == 1);
  CHECK(ran.says("No space left on device"));
}

TEST_CASE("shortage: a folder that cannot be written to is named") {
  NEEDS_MOUNTS();
  const Sandbox box;
  const Ran ran = with_mounts(box,
                              "mkdir res; mount -t tmpfs -o ro none res\n"
                              "enjoin --results res echo ::: a; echo $? >&2\n"
                              "enjoin --results res/x.csv echo ::: a; echo $? >&2\n"
                              "enjoin --joblog res/log echo ::: a; echo $? >&2");
  CHECK(lines_of(ran.err).size() >= 6);
  CHECK(ran.says("Read-only file system"));
  CHECK(ran.out.find("a") == std::string::npos);
}

TEST_CASE("shortage: a joblog that is a folder, a full disk or a pipe") {
  const Sandbox box;
  const Ran folder = box.enjoin({"--joblog", ".", "touch", ":::", "ran"});
  CHECK(folder.status == 255);
  CHECK(folder.says("Is a directory"));
  CHECK_FALSE(box.has("ran"));
  const Ran pipe = box.shell("mkfifo p; cat p >got & enjoin -j1 --joblog p true ::: a b; wait");
  CHECK(pipe.status == 0);
  CHECK(lines_of(box.read("got")).size() == 3);
}

TEST_CASE("shortage: without a TMPDIR, or with one that cannot be written to, jobs still run") {
  const Sandbox box;
  const Ran none = box.shell(std::string("TMPDIR=/nowhere ") + kTenJobs);
  CHECK(none.status == 0);
  CHECK(sorted_lines(none.out) == sorted_lines(lines(1, 10)));
  const Ran files = box.shell("TMPDIR=/nowhere enjoin --files echo ::: a");
  CHECK(files.status != 0);
  CHECK(files.says("No such file or directory"));
  const Ran cat = box.shell("echo a | TMPDIR=/nowhere enjoin --pipe --cat cat");
  CHECK(cat.status != 0);
  CHECK(cat.says("No such file or directory"));
  NEEDS_MOUNTS();
  const Ran fixed = with_mounts(box, std::string("mount -t tmpfs -o ro none $TMPDIR\n") + kTenJobs);
  CHECK(fixed.status == 0);
  CHECK(sorted_lines(fixed.out) == sorted_lines(lines(1, 10)));
}

TEST_CASE("shortage: a file that may not grow is an error, not our death") {
  const Sandbox box;
  for (const char* what : {"enjoin -j1 --joblog log true ::: {1..400}",
                           "enjoin -j1 seq ::: 3000 3000 >out", "enjoin -j1 seq ::: 3000 >>out"}) {
    CAPTURE(what);
    const Ran ran = box.shell(std::string("ulimit -f 8; ") + what);
    CHECK(ran.status == 255);
    CHECK(ran.says("File too large"));
  }
}

// ---- descriptors, processes, memory ------------------------------------------------------------

TEST_CASE("shortage: few descriptors make a small team") {
  const Sandbox box;
  const std::string tagged = "seq 10 | sed 's/.*/&\\t&/'";
  for (const int limit : {64, 40, 24, 16, 10, 6}) {
    CAPTURE(limit);
    const std::string few = "ulimit -n " + std::to_string(limit) + "; enjoin -j20 ";
    const std::string jobs = " echo ::: 1 2 3 4 5 6 7 8 9 10";
    for (const char* mode : {"", "-k", "--lb"})
      check_honest(box.shell(few + mode + jobs), lines(1, 10));
    check_honest(box.shell(few + "--tag" + jobs), box.shell(tagged).out);
    check_honest(box.shell("rm -fr r; " + few + "--results r/{}" + jobs + " && cat r/? r/10"),
                 lines(1, 10));
  }
  const Ran ran = box.shell(std::string("ulimit -n 64; ") + kTenJobs);
  CHECK(ran.status == 0);
}

TEST_CASE("shortage: few processes make a small team") {
  const Sandbox box;
  // Whose processes are ours alone, though the same test may run beside us.
  const auto nobody_else = static_cast<uid_t>(20'000 + ::getpid() % 40'000);
  const std::string user = std::to_string(nobody_else);
  Fifo go = box.fifo("go");
  if (::geteuid() != 0 ||
      box.shell("chmod 711 ..; chown -R " + user + " . ../tmp; setpriv --reuid " + user +
                " --clear-groups test -x $(which enjoin)")
              .status != 0) {
    MESSAGE("SKIPPED: needs root, for a user without other processes who may run the program");
    return;
  }
  const auto start = [&](rlim_t processes, const std::string& slots, const std::string& command) {
    return box.start({slots, command, ":::", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"},
                     {.before_exec = [processes, nobody_else] {
                       const rlimit limit{processes, processes};
                       ::setrlimit(RLIMIT_NPROC, &limit);
                       if (::setresuid(nobody_else, nobody_else, nobody_else) != 0) ::_exit(99);
                     }});
  };
  for (const rlim_t processes : {1UL, 2UL, 4UL, 5UL, 6UL, 7UL, 8UL, 9UL, 10UL, 12UL, 14UL}) {
    CAPTURE(processes);
    const Ran ran = start(processes, "-j8", "echo").wait();
    check_honest(ran, lines(1, 10));
    CHECK((processes < 4 || ran.status == 0));
  }
  // Both workers find room, but one of their jobs only, which lasts until the worker that could
  // start none has left: the keeper has reaped a child then, whose page faults it is told.
  Running running = start(5, "-j2", "exec sh -c 'read x <go'");
  const pid_t keeper = RunTree::of(running.pid(), 1).keeper;
  box.shell("until [ $(cut -d' ' -f11 /proc/" + std::to_string(keeper) +
            "/stat) != 0 ]; do sleep 0.02; done");
  go.write(std::string(10, '\n'));
  const Ran ran = running.wait();
  CHECK(ran.status == 0);
  CHECK(ran.says("no more processes could be started"));
}

TEST_CASE("shortage: little memory is an error that is told") {
  const Sandbox box;
  if (box.shell(std::string("ulimit -v 400000; ") + kTenJobs).status != 0) {
    MESSAGE("SKIPPED: this build needs more address space than a test can leave out");
    return;
  }
  for (const int mib : {12, 16, 20, 24, 28, 32, 40, 48, 64, 96}) {
    CAPTURE(mib);
    check_honest(box.shell("ulimit -v " + std::to_string(1024 * mib) + "; exec " + kTenJobs),
                 lines(1, 10));
  }
}

// ---- standard streams --------------------------------------------------------------------------

TEST_CASE("shortage: closed standard streams are nobody's") {
  const Sandbox box;
  box.write("job",
            "echo out; echo err >&2; cat; for fd in 0 1 2; do readlink /proc/self/fd/$fd; done"
            " >>seen; echo end >>seen\n");
  for (const char* closed :
       {"<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"}) {
    for (const char* mode : {"", "-k", "-u", "--lb", "--tag"}) {
      CAPTURE(closed);
      CAPTURE(mode);
      box.shell("rm -f seen");
      const Ran ran =
          box.shell(std::string("enjoin ") + mode + " -N0 'sh ./job' ::: a b " + closed);
      CHECK(ran.status == 0);
      const std::string seen = box.read("seen");
      CHECK(sorted_lines(seen).starts_with("/"));
      CHECK(seen.find("memfd:enjoin ") == std::string::npos);
      CHECK(seen.find("anon_inode") == std::string::npos);
      const std::string marks = closed;
      if (marks.find(" >&-") == std::string::npos && !marks.starts_with(">&-")) {
        CHECK(ran.out.find("out\n") != std::string::npos);
      }
    }
  }
}

TEST_CASE("shortage: stdout may be a socket") {
  const Sandbox box;
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const enjoin::ipc::UniqueFd near(ends[0]);
  enjoin::ipc::UniqueFd far(ends[1]);
  const int end = far.get();
  const Ran ran = box.enjoin({"-k", "seq", ":::", "3", "2000"},
                             {.before_exec = [end] { ::dup2(end, STDOUT_FILENO); }});
  far.reset();
  std::string got;
  char chunk[4096];
  for (ssize_t size = 0; (size = ::read(near.get(), chunk, sizeof chunk)) > 0;) {
    got.append(chunk, static_cast<std::size_t>(size));
  }
  CHECK(ran.status == 0);
  CHECK(got == lines(1, 3) + lines(1, 2000));
}

TEST_CASE("shortage: stdout appended to, full, or a pipe that nobody reads") {
  const Sandbox box;
  CHECK(box.shell("echo before >f; enjoin -k seq ::: 3 30000 >>f").status == 0);
  CHECK(box.read("f") == "before\n" + lines(1, 3) + lines(1, 30000));
  for (const char* mode : {"", "-k", "-u", "--lb", "--tag", "--results x.csv --tag"}) {
    CAPTURE(mode);
    const Ran full = box.shell(std::string("enjoin -j1 --joblog log ") + mode +
                               " /usr/bin/printf '%05000d' ::: 1 2 3 >/dev/full");
    const bool elsewhere = std::string(mode).find("csv") != std::string::npos;
    CHECK((full.status != 0) == !elsewhere);
    if (!elsewhere) CHECK_FALSE(full.err.empty());
    if (!elsewhere && std::string(mode) != "-u") CHECK(lines_of(box.read("log")).size() <= 1);
  }
  const Ran closed = box.shell("enjoin -j1 seq ::: {1..2000} | head -n 1; echo ${PIPESTATUS[0]}");
  CHECK(lines_of(closed.out).size() == 2);
  CHECK(lines_of(closed.out)[1] != "0");
}

// ---- surroundings ------------------------------------------------------------------------------

TEST_CASE("shortage: without HOME, PATH or any environment") {
  const Sandbox box;
  CHECK(box.shell("unset HOME; enjoin -k echo ::: a b").out == "a\nb\n");
  CHECK(box.shell("e=$(which enjoin); unset PATH; $e -k echo ::: a b").out == "a\nb\n");
  CHECK(box.shell("env -i $(which enjoin) -k 'echo {}; :' ::: a b").out == "a\nb\n");
  const Ran work = box.shell("unset HOME; enjoin --workdir ... echo ::: a");
  CHECK(work.status == 255);
  CHECK(work.says("HOME"));
  const Ran sem = box.shell("unset HOME; enjoin --sem --fg --id x echo ran");
  check_honest(sem, "ran\n");
}

TEST_CASE("shortage: a folder that is gone or cannot be written to is no reason to stop") {
  const Sandbox box;
  const Ran gone = box.shell("mkdir d; cd d; rmdir ../d; enjoin -k echo ::: a b");
  CHECK(gone.status == 0);
  CHECK(gone.out == "a\nb\n");
  NEEDS_MOUNTS();
  const Ran fixed =
      with_mounts(box, "mkdir d; mount -t tmpfs -o ro none d; cd d; enjoin -k echo ::: a b");
  CHECK(fixed.status == 0);
  CHECK(fixed.out == "a\nb\n");
}

TEST_CASE("shortage: without /proc, /dev or /dev/shm") {
  NEEDS_MOUNTS();
  const Sandbox box;
  if (!kSanitized) {  // sanitizers need /proc themselves
    const Ran proc = with_mounts(box, std::string("mount -t tmpfs none /proc\n") + kTenJobs);
    check_honest(proc, lines(1, 10));
    CHECK(proc.status == 0);
  }
  const Ran shm = with_mounts(box, std::string("mount -t tmpfs -o ro none /dev/shm\n") + kTenJobs);
  CHECK(shm.status == 0);
  CHECK(sorted_lines(shm.out) == sorted_lines(lines(1, 10)));
  const Ran dev = with_mounts(box, std::string("mount -t tmpfs none /dev\n") + kTenJobs);
  check_honest(dev, lines(1, 10));
}
