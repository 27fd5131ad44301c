#include <chrono>
#include <fcntl.h>
#include <map>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "support/team_run.h"
#include "worker/process_tree.h"

using namespace std::chrono_literals;
using namespace enjoin;
using namespace enjoin::test;

namespace {

ipc::UniqueFd memory_file(const std::string& text) {
  ipc::UniqueFd fd(::memfd_create("enjoin-test", MFD_CLOEXEC));
  REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
  return fd;
}

TeamSpec stdin_spec(std::uint32_t workers, JobInput input = JobInput::kStdin) {
  TeamSpec spec = line_spec(workers);
  spec.worker.job_input = input;
  spec.ordered = true;
  return spec;
}

struct Ran {
  std::vector<JobResult> results;
  std::string out;
};

Ran run(TeamSpec spec, const std::vector<std::string>& lines, StdinProvider provider) {
  Ran ran;
  StdoutFile files;
  {
    LocalTeam team(std::move(spec));
    team.give_stdin(std::move(provider));
    ran.results = drive(team, line_jobs(lines));
  }
  ran.out = files.text(0);
  CHECK(list_children().empty());
  return ran;
}

}  // namespace

TEST_CASE("team stdin: each job gets its own file") {
  const Ran ran = run(stdin_spec(2), {"cat", "cat; echo b", "wc -c"}, [](const Job& job) {
    return StdinSource::file(memory_file("job " + std::to_string(job.id.seq) + "\n"));
  });
  CHECK(ran.out == "job 1\njob 2\nb\n6\n");
}

TEST_CASE("team stdin: without data it is empty") {
  const Ran ran =
      run(stdin_spec(2), {"cat; echo a"}, [](const Job&) { return StdinSource::none(); });
  CHECK(ran.out == "a\n");
}

TEST_CASE("team stdin: ranges of one file are fed while the jobs run") {
  const std::string text = std::string(2'000'000, 'a') + std::string(3'000'000, 'b');
  const ipc::UniqueFd file = memory_file(text);
  const ipc::UniqueFd header = memory_file("HEAD\n");
  const Ran ran =
      run(stdin_spec(2), {"md5sum", "head -c5; cat | tr -d b | wc -c"}, [&](const Job& job) {
        StdinSource source;
        if (job.id.seq == 1) {
          source.add(file.get(), {2'000'000, 3'000'000});
        } else {
          source.add(header.get(), {0, 5});
          source.add(file.get(), {1'999'999, 3'000'000});
        }
        return source;
      });
  CHECK(ran.out == "55098c025523a802a0d6016e7a8fd0fc  -\nHEAD\n1\n");
}

TEST_CASE("team stdin: a job that does not read its input ends by itself") {
  const std::string text(5'000'000, 'a');
  const ipc::UniqueFd file = memory_file(text);
  const Ran ran =
      run(stdin_spec(1), {"true", "head -c3", "exec 0<&-; echo closed"}, [&](const Job&) {
        StdinSource source;
        source.add(file.get(), {0, 5'000'000});
        return source;
      });
  CHECK(ran.out == "aaaclosed\n");
  for (const JobResult& result : ran.results) CHECK(succeeded(result.outcome));
}

TEST_CASE("team stdin: a job whose file became shorter says so") {
  const ipc::UniqueFd file = memory_file("12345");
  const Ran ran = run(stdin_spec(1), {"cat"}, [&](const Job&) {
    StdinSource source;
    source.add(file.get(), {0, 10});
    return source;
  });
  CHECK(ran.out == "12345");
  CHECK(ran.results.at(0).input_short);
}

TEST_CASE("team stdin: a job that cannot have its input is not started") {
  const Ran ran =
      run(stdin_spec(1), {"echo no"}, [](const Job&) { return StdinSource::failed(EMFILE); });
  CHECK(ran.out.empty());
  CHECK(std::get<SpawnFailed>(ran.results.at(0).outcome).error == EMFILE);
}

TEST_CASE("team stdin: a lost job's input is asked for again") {
  TeamSpec spec = stdin_spec(1);
  spec.worker_loss = WorkerLoss::kRequeue;
  std::map<std::uint64_t, int> asked;
  const std::string line =
      "if mkdir " + std::string("\"$D\"") + " 2>/dev/null; then kill -9 $PPID; sleep 100; fi; cat";
  char folder[] = "/tmp/enjoin-stdin-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const std::string mark = std::string(folder) + "/d";
  ::setenv("D", mark.c_str(), 1);
  const Ran ran = run(std::move(spec), {line}, [&](const Job& job) {
    ++asked[job.id.seq];
    return StdinSource::file(memory_file("again\n"));
  });
  ::unsetenv("D");
  ::rmdir(mark.c_str());
  ::rmdir(folder);
  CHECK(asked[1] == 2);
  CHECK(ran.out == "again\n");
}

TEST_CASE("team stdin: a run that is stopped does not wait for input that never comes") {
  StdoutFile files;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const ipc::UniqueFd keep_open(ends[1]);
  ipc::UniqueFd read_end(ends[0]);
  LocalTeam team(stdin_spec(1));
  team.give_stdin([&](const Job&) { return StdinSource::file(std::move(read_end)); });
  bool stopped = false;
  const auto results = drive(team, line_jobs({"cat"}), [&](const auto&) {
    if (stopped || team.running() == 0) return;
    stopped = true;
    team.cancel_all(Team::How::kLadder);
  });
  CHECK(std::holds_alternative<Canceled>(results.at(0).outcome));
}

TEST_CASE("team stdin: a file or a fifo holds the input, and is gone afterwards") {
  char folder[] = "/tmp/enjoin-stdin-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  for (const JobInput input : {JobInput::kFile, JobInput::kFifo}) {
    TeamSpec spec = stdin_spec(2, input);
    spec.worker.input_folder = folder;
    const char* const test = input == JobInput::kFifo
                                 ? "test -p $PARALLEL_TMP && cat $PARALLEL_TMP"
                                 : "test -f $PARALLEL_TMP && cat $PARALLEL_TMP";
    const Ran ran = run(std::move(spec), {test, test, "exit 3"}, [](const Job& job) {
      return StdinSource::file(memory_file("got " + std::to_string(job.id.seq) + "\n"));
    });
    CHECK(ran.out == "got 1\ngot 2\n");
  }
  CHECK(::rmdir(folder) == 0);  // it was empty
}
