// How long it takes from one stage's last job to the next stage's first, by what the jobs say.
//
//   stage_latency bare STAGES STAMP           one job a stage: vfork, exec, wait, and nothing else
//   stage_latency team STAGES JOBS STAMP      JOBS a stage on two workers, by a team alone: the
//                                             next stage is started when the last result has come
//   stage_latency batch JOBS WORD...          JOBS recipes of one command, all at once: seconds
//   stage_latency lines JOBS WORD...          the same as lines for a shell that is not needed
//
// Prints the gaps in nanoseconds, one a line (or the seconds). STAMP is bench/stamp.cc.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <sys/resource.h>

#include "bench/spawn.h"
#include "runner/team/local_team.h"
#include "worker/job_recipe.h"

namespace {

struct Stamps {
  unsigned long long begin = ~0ULL;  ///< the first of a stage
  unsigned long long end = 0;        ///< the last
  void add(const char* text) {
    unsigned long long first = 0, last = 0;
    if (std::sscanf(text, "%llu %llu", &first, &last) != 2) bench::die("no stamp");
    begin = std::min(begin, first);
    end = std::max(end, last);
  }
};

void print_gaps(const std::vector<Stamps>& stages) {
  for (std::size_t at = 1; at < stages.size(); ++at) {
    std::printf("%lld\n", static_cast<long long>(stages[at].begin - stages[at - 1].end));
  }
}

std::string read_at(int fd, std::int64_t at, std::int64_t length) {
  std::string text(static_cast<std::size_t>(length), '\0');
  if (pread(fd, text.data(), text.size(), at) != length) bench::die("pread");
  return text;
}

void run_bare(std::size_t stages, char* stamp) {
  char path[] = "/tmp/stage_latency.XXXXXX";
  const int file = mkostemp(path, O_CLOEXEC | O_APPEND);
  unlink(path);
  const int before = dup(STDOUT_FILENO);
  dup2(file, STDOUT_FILENO);
  char* words[] = {stamp, nullptr};
  for (std::size_t at = 0; at < stages; ++at) bench::run_and_wait(stamp, words);
  dup2(before, STDOUT_FILENO);
  const std::string text = read_at(file, 0, lseek(file, 0, SEEK_END));
  std::vector<Stamps> all;
  for (const char* at = text.c_str(); *at != '\0'; at = std::strchr(at, '\n') + 1) {
    all.emplace_back().add(at);
  }
  print_gaps(all);
}

enjoin::TeamSpec spec_of_two(bool keeps_output) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  enjoin::TeamSpec spec;
  spec.worker.shell = "/bin/bash";
  spec.worker.stop_ladder = enjoin::default_stop_ladder();
  spec.worker.open_files_soft = files.rlim_cur;
  spec.worker.open_files_hard = files.rlim_max;
  spec.worker.scratch_folder = "/tmp";
  spec.worker.recipes = true;
  spec.workers = 2;
  spec.look_ahead = keeps_output ? 0 : 64;
  spec.keeps_output = keeps_output;
  spec.output_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  return spec;
}

void run_team(std::size_t stages, std::size_t jobs, const char* stamp) {
  enjoin::LocalTeam team(spec_of_two(true));
  enjoin::JobRecipe recipe;
  recipe.argv = {stamp};
  std::vector<Stamps> all;
  std::uint64_t seq = 0;
  while (all.size() < stages) {
    Stamps& stage = all.emplace_back();
    for (std::size_t at = 0; at < jobs; ++at) {
      enjoin::Job job;
      job.id.seq = ++seq;
      job.inputs = pack(recipe);
      job.prompt = true;
      team.start(std::move(job));
    }
    while (team.unfinished() > 0) {
      team.collect([&](enjoin::JobResult& result) {
        const auto place = team.kept_output(result).stream[0];
        stage.add(read_at(place.fd, place.begin, place.length).c_str());
      });
      if (team.unfinished() > 0) team.wait({}, std::chrono::seconds(1));
    }
  }
  print_gaps(all);
}

void run_batch(std::size_t jobs, char** words, int count, bool as_line) {
  const auto begin = std::chrono::steady_clock::now();
  {
    enjoin::LocalTeam team(spec_of_two(false));
    enjoin::JobRecipe recipe;
    recipe.argv.assign(words, words + count);
    if (as_line) {
      for (const std::string& word : recipe.argv) recipe.line += word + ' ';
      recipe.argv.clear();
      recipe.shell = {"bash", "-euo", "pipefail"};
    }
    std::uint64_t seq = 0;
    while (seq < jobs || team.unfinished() > 0) {
      team.collect([](enjoin::JobResult&) {});
      for (; seq < jobs && team.room() > 0; ++seq) {
        enjoin::Job job;
        job.id.seq = seq + 1;
        job.inputs = pack(recipe);
        team.start(std::move(job));
      }
      if (team.unfinished() > 0) team.wait({}, std::chrono::seconds(1));
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.4f\n", took.count());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const std::size_t count = argc > 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
  if (mode == "bare" && argc == 4) {
    run_bare(count, argv[3]);
  } else if (mode == "team" && argc == 5) {
    run_team(count, std::strtoull(argv[3], nullptr, 10), argv[4]);
  } else if ((mode == "batch" || mode == "lines") && argc > 3) {
    run_batch(count, argv + 3, argc - 3, mode == "lines");
  } else {
    std::fputs(
        "usage: stage_latency bare STAGES STAMP | team STAGES JOBS STAMP | batch JOBS WORD... |"
        " lines JOBS WORD...\n",
        stderr);
    return 2;
  }
  return 0;
}
