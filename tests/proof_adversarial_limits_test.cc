// Jobs that use up memory, disk, files or process numbers, shut in by --isolate=pid, between
// innocent ones: rows 19 to 22 and 40 of the table in docs/reliability.md. What is used up is a
// cgroup's, or of a file system and a namespace that are private to the test.

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/isolated.h"
#include "support/neighbours.h"

using namespace enjoin::test;

namespace {

namespace fs = std::filesystem;

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

// A memory cgroup of the test's own, of either kind, with a limit.
class MemoryGroup {
 public:
  explicit MemoryGroup(const std::string& limit) {
    const std::string name = "/enjoin-test-" + std::to_string(::getpid());
    for (const std::string root : {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"}) {
      path_ = root + name;
      if (::mkdir(path_.c_str(), 0755) != 0) continue;
      const bool old_kind = fs::exists(path_ + "/memory.limit_in_bytes");
      const std::string file = old_kind ? "/memory.limit_in_bytes" : "/memory.max";
      if (fs::exists(path_ + file) && write_file(path_ + file, limit)) {
        write_file(path_ + (old_kind ? "/memory.memsw.limit_in_bytes" : "/memory.swap.max"),
                   old_kind ? limit : "0");
        return;
      }
      ::rmdir(path_.c_str());
    }
    path_.clear();
    MESSAGE("SKIPPED: no memory cgroup can be made here");
  }
  ~MemoryGroup() {
    if (!path_.empty()) CHECK(::rmdir(path_.c_str()) == 0);
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  explicit operator bool() const { return !path_.empty(); }
  std::string enter() const { return "echo $$ >" + path_ + "/cgroup.procs"; }

 private:
  std::string path_;
};

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  const std::string pid = std::to_string(parent);
  std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

// The kernel's first choice when memory is short. Below the supervisor is the keeper, and below
// that are the workers.
void prefer_workers_as_victims(pid_t supervisor) {
  for (const pid_t keeper : children_of(supervisor)) {
    for (const pid_t worker : children_of(keeper)) {
      write_file("/proc/" + std::to_string(worker) + "/oom_score_adj", "1000");
    }
  }
}

// 20,000 pages: what the kernel adds for oom_score_adj it reckons in thousands of them, and the
// worker is to count for more than a job that has them all.
constexpr const char* kThousands = "81920000";
constexpr const char* kThroughPath = ":";  // `enjoin` is then what $PATH says it is

// From here on `enjoin` has a file system of its own, with these options, at `folder`.
void give_file_system(const Sandbox& box, const std::string& folder, const std::string& options) {
  const std::string program = box.path("../bin/enjoin");
  fs::remove(program);
  box.write("../bin/enjoin", "#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs -o " + options +
                                 " none " + folder +
                                 " && exec " ENJOIN_PROGRAM " \"$@\"' enjoin \"$@\"\n");
  fs::permissions(program, fs::perms::owner_all);
}

}  // namespace

TEST_CASE("adversarial 19: a job that the kernel kills for lack of memory is named as such") {
  if (!can_isolate() || !is_root("make a cgroup")) return;
  const MemoryGroup group(kThousands);
  if (!group) return;
  const OutsideTmp outside;
  const Sandbox box;
  const std::string hog = bring_job(box, "memory_hog");
  NeighbourRun run = run_between_neighbours(
      box,
      {.hostile = {hog, "kill -9 $$", hog}, .options = {"--isolate=pid"}, .before = group.enter()});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK(run.hostile[0].signal == SIGKILL);
  CHECK(run.hostile[2].signal == SIGKILL);
  CHECK(run.says("killed while the kernel was out of memory:\nenjoin: Warning: " + hog));
  CHECK_FALSE(run.says("This job failed"));  // no worker died
}

TEST_CASE("adversarial 19: a job that somebody else kills is not") {
  const Sandbox box;
  const Ran ran = box.enjoin({"kill -9 $$ #", ":::", "a"});
  CHECK_FALSE(ran.says("out of memory"));
  CHECK(ran.status == 1);
}

TEST_CASE("adversarial 20: when the kernel kills the worker, its job is run again, or named") {
  if (!can_isolate() || !is_root("make a cgroup")) return;
  for (const std::string policy : {"requeue", "fail"}) {
    const MemoryGroup group(kThousands);
    if (!group) return;
    const OutsideTmp outside;
    const Sandbox box;
    bring_job(box, "memory_hog");
    Fifo here = box.fifo("hog-here");
    Fifo go = box.fifo("hog-go");
    std::thread chooser;  // of the victim, once the job is there: it has inherited nothing then
    NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"echo x >>tries; [ $(wc -l <tries) = 1 ] || exec echo again; "
                          "echo >hog-here; read x <hog-go; exec ./memory_hog"},
              .options = {"--isolate=pid", "--worker-loss", policy},
              .at_once = 1,
              .before = group.enter(),
              .counts_fds = false,
              .meanwhile = [&](pid_t supervisor) {
                chooser = std::thread([&here, &go, supervisor] {
                  here.wait_line();
                  prefer_workers_as_victims(supervisor);
                  go.write("\n");
                });
              }});
    chooser.join();
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(box.read("tries") == (policy == "requeue" ? "x\nx\n" : "x\n"));
    CHECK(run.hostile_out == (policy == "requeue" ? "again\n" : ""));
    CHECK(run.says("its worker died while it ran") == (policy == "fail"));
  }
}

TEST_CASE("adversarial 21: a full disk is said of the job that filled it") {
  if (!can_isolate() || !is_root("mount")) return;
  const OutsideTmp outside;
  const Sandbox box;
  give_file_system(box, box.path("../tmp"), "size=1m");
  NeighbourRun run = run_between_neighbours(
      box,
      {.hostile = {"head -c 3000000 /dev/zero",
                   "head -c 3000000 /dev/zero >$TMPDIR/fill; s=$?; rm $TMPDIR/fill; echo fill $s"},
       .options = {"--isolate=pid"},
       .at_once = 1,
       .before = kThroughPath});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK_FALSE(run.hostile[0].exit);
  CHECK(run.says("its output could not be kept: No space left on device"));
  CHECK(run.hostile_out.find("fill 1\n") != std::string::npos);
}

TEST_CASE("adversarial 21: what a job writes into its own /tmp is gone with it") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  const Sandbox box;
  const std::string fill =
      "head -c 20000000 /dev/zero >/tmp/fill; ls /tmp; df -k --output=used /tmp";
  const std::string ran = box.enjoin({"--isolate=pid", "-j1", fill + " #", ":::", "a", "b"}).out;
  const std::vector<std::string> lines = lines_of(ran);
  REQUIRE(lines.size() == 6);
  CHECK(lines[2] == lines[5]);
}

TEST_CASE("adversarial 22: a job that uses up all inodes harms itself only") {
  if (!can_isolate() || !is_root("mount")) return;
  const OutsideTmp outside;
  const Sandbox box;
  give_file_system(box, box.path("../tmp"), "nr_inodes=100");
  NeighbourRun run = run_between_neighbours(
      box, {.hostile = {"for ((i = 0; i < 1000; ++i)); do : 2>/dev/null >$TMPDIR/f$i || break; "
                        "done; [ $i -lt 100 ] && echo all used; rm -f $TMPDIR/f*"},
            .options = {"--isolate=pid"},
            .before = kThroughPath});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK(run.hostile_out == "all used\n");
}

TEST_CASE("adversarial 22: a hundred thousand files in a job's folder are removed") {
  if (!can_isolate() || !is_root("mount")) return;
  const OutsideTmp outside;
  const Sandbox box;
  fs::create_directory(box.path("many"));
  const Ran ran = box.shell(
      "unshare -m sh -c 'mount -t tmpfs -o nr_inodes=150k none many && export HOME=$PWD/many && "
      "enjoin -k --isolate=pid --workdir ... --timeout 100 \"seq {} | xargs touch; ls | wc -l\" "
      "::: 3 100000 5; echo $?; find many -type f | wc -l; ls many/.parallel/tmp | wc -l'");
  CHECK(ran.out == "3\n100000\n5\n0\n0\n0\n");
}

TEST_CASE("adversarial 40: numbers of processes that come again confuse nobody") {
  if (!is_root("choose process numbers")) return;
  const OutsideTmp outside;
  const Sandbox box;
  box.write("churn", R"(
echo 300 >/proc/sys/kernel/ns_last_pid || exit 42
while echo 300 >/proc/sys/kernel/ns_last_pid; do :; done &
churner=$!
for i in $(seq 60); do
  sleep 0.0$((i % 10)) & wait $! || echo "hit: $?"
done >bystanders &
bystanders=$!
seq 300 | enjoin "$@" -j4 -k --joblog log --leftovers kill --timeout 100 \
  'sleep 100 & echo $$ >>numbers; echo {}; exit $(({} % 3)) #' >out 2>err
echo "status $?"
wait $bystanders
kill $churner
)");
  for (const std::string isolate : {"none", "pid"}) {
    if (isolate == "pid" && !can_isolate()) return;
    const Ran ran = box.shell(
        "rm -f numbers log; unshare --pid --fork --mount-proc --kill-child "
        "bash ./churn --isolate=" +
        isolate);
    if (ran.status == 42 || ran.says("unshare")) {
      MESSAGE("SKIPPED: process numbers cannot be chosen here: ", ran.err);
      return;
    }
    CHECK(ran.out == "status 101\n");
    CHECK(box.read("bystanders").empty());
    const std::vector<std::string> out = lines_of(box.read("out"));
    const std::vector<std::string> log = lines_of(box.read("log"));
    REQUIRE(out.size() == 300);
    CHECK(log.size() == 301);
    for (int i = 1; i <= 300; ++i) {
      if (out[static_cast<std::size_t>(i - 1)] != std::to_string(i)) FAIL("output ", i);
    }
    CHECK(box.shell("tail -n+2 log | awk -F'\\t' '$7 != $1 % 3 || $8 != 0' | wc -l").out == "0\n");
    const std::vector<std::string> numbers = lines_of(box.read("numbers"));
    CHECK(numbers.size() == 300);
    const std::set<std::string> different(numbers.begin(), numbers.end());
    std::printf("  --isolate=%s: 300 jobs, %zu process numbers\n", isolate.c_str(),
                different.size());
  }
}
