#include "support/scribble.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "ipc/seal.h"
#include "support/stdout_file.h"
#include "worker/process_tree.h"

namespace enjoin::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint32_t kWorkers = 3;

std::string line_of(std::uint64_t seq) {
  return "job " + std::to_string(seq) + " says what it has to say\n";
}

std::size_t lines_of(std::uint64_t seq) {
  return seq % 7 == 3 ? 4000 : seq % 5;  // some more than a pipe holds, some nothing
}

std::uint64_t next_random(std::uint64_t* state) {
  return *state = ipc::mix(*state + 0x9e37, *state);
}

bool is_noticed(const TeamCounters& counters) {
  return counters.rebuilds + counters.stalled_killed > 0;
}

// Where each job's text stands, and that it is one piece. Returns what is no job's.
struct Parsed {
  std::map<std::uint64_t, std::size_t> lines;
  std::vector<std::uint64_t> sequence;  // of jobs, as their texts begin
  std::size_t foreign = 0;
  std::size_t torn = 0;
};

Parsed parse(const std::string& out) {
  Parsed parsed;
  std::uint64_t last = 0;
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t end = std::min(out.find('\n', at), out.size() - 1) + 1;
    const std::string line = out.substr(at, end - at);
    at = end;
    const std::uint64_t seq =
        std::strtoull(line.c_str() + std::min<std::size_t>(4, line.size()), nullptr, 10);
    if (line != line_of(seq)) {
      ++parsed.foreign;
      continue;
    }
    if (seq != last) {
      if (parsed.lines.count(seq) != 0) ++parsed.torn;
      parsed.sequence.push_back(seq);
    }
    last = seq;
    ++parsed.lines[seq];
  }
  return parsed;
}

}  // namespace

Job talking_job(std::uint64_t seq) {
  const std::string text = line_of(seq).substr(0, line_of(seq).size() - 1);
  const std::size_t lines = lines_of(seq);
  std::string line = "yes '" + text + "' | head -n " + std::to_string(lines);
  if (lines == 0) line = "true";
  if (lines == 1) line = "echo '" + text + "'";
  if (seq % 4 == 1) line = "sleep 0.0" + std::to_string(seq % 10) + "; " + line;
  return line_job(seq, line);
}

std::string talk_of(std::uint64_t seq) {
  std::string text;
  for (std::size_t i = 0; i < lines_of(seq); ++i) text += line_of(seq);
  return text;
}

Scribbled scribble_often(bool ordered, std::size_t jobs,
                         const std::function<void(LocalTeam&, std::size_t)>& each_turn) {
  Scribbled run;
  run.ordered = ordered;
  StdoutFile files;
  {
    TeamSpec spec = line_spec(kWorkers);
    spec.ordered = ordered;
    spec.worker.keep_order = ordered;
    LocalTeam team(std::move(spec));
    team.report_trouble([&](const std::string& text) { run.said.push_back(text); });
    std::vector<Job> list;
    for (std::uint64_t seq = 1; seq <= jobs; ++seq) list.push_back(talking_job(seq));
    const auto began = Clock::now();
    std::size_t last = 0;
    auto moved = began;
    run.results = drive(team, std::move(list), [&](const std::vector<JobResult>& results) {
      each_turn(team, results.size());
      if (results.size() != last) moved = Clock::now();
      last = results.size();
      REQUIRE_MESSAGE(Clock::now() - moved < std::chrono::seconds(90), "hang");
    });
    run.counters = team.counters();
  }
  run.out = files.text();
  return run;
}

Scribbled scribble_once(bool ordered, std::size_t jobs, std::size_t after,
                        const std::function<void(LocalTeam&)>& scribble) {
  bool done = false;
  long noticed = -1;
  Clock::time_point when;
  Scribbled run = scribble_often(ordered, jobs, [&](LocalTeam& team, std::size_t results) {
    if (!done && results >= after) {
      done = true;
      when = Clock::now();
      scribble(team);
    }
    if (done && noticed < 0 && is_noticed(team.counters())) {
      noticed = static_cast<long>(
          std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - when).count());
    }
  });
  CHECK(done);
  run.noticed_ms = noticed;
  return run;
}

void scribble_at(void* at, std::size_t size, std::uint64_t seed) {
  auto* const bytes = static_cast<unsigned char*>(at);
  std::uint64_t state = seed;
  switch (next_random(&state) % 5) {
    case 0:
      std::fill_n(bytes, size, static_cast<unsigned char>(0));
      break;
    case 1:
      std::fill_n(bytes, size, static_cast<unsigned char>(0xff));
      break;
    case 2: {
      const std::uint64_t bit = next_random(&state) % (8 * size);
      bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ (1U << (bit % 8)));
      break;
    }
    default:
      for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<unsigned char>(next_random(&state) >> 32);
      }
  }
}

void scribble_everywhere(const ipc::TeamMemory& memory, std::uint64_t seed) {
  std::uint64_t state = seed;
  auto* const control = reinterpret_cast<unsigned char*>(&memory.control());
  const std::size_t size = static_cast<std::size_t>(memory.control().header.size_bytes);
  for (std::size_t at = 0; at < size; ++at) {
    control[at] = static_cast<unsigned char>(next_random(&state) >> 32);
  }
}

void check_once(const Scribbled& run, std::size_t jobs) {
  REQUIRE(run.results.size() == jobs);
  std::set<std::uint64_t> seen;
  for (const JobResult& result : run.results) {
    CAPTURE(result.job.id.seq);
    CHECK(seen.insert(result.job.id.seq).second);
  }
  CHECK(list_children().empty());
}

void check_whole_output(const Scribbled& run) {
  if (run.ordered) {
    std::string expected;
    for (std::uint64_t seq = 1; seq <= run.results.size(); ++seq) expected += talk_of(seq);
    CHECK(run.out.size() == expected.size());
    CHECK((run.out == expected));
    return;
  }
  const Parsed parsed = parse(run.out);
  CHECK(parsed.foreign == 0);
  CHECK(parsed.torn == 0);
  for (std::uint64_t seq = 1; seq <= run.results.size(); ++seq) {
    CAPTURE(seq);
    const auto found = parsed.lines.find(seq);
    CHECK((found == parsed.lines.end() ? 0 : found->second) == lines_of(seq));
  }
}

std::size_t check_no_false_output(const Scribbled& run) {
  const Parsed parsed = parse(run.out);
  std::size_t not_whole = 0;
  std::size_t repeated = 0;
  for (const JobResult& result : run.results) {
    if (!succeeded(result.outcome)) ++not_whole;
  }
  // What a lost job had written by then may end in the middle of a line.
  CHECK(parsed.foreign <= not_whole);
  if (run.ordered) CHECK(std::is_sorted(parsed.sequence.begin(), parsed.sequence.end()));
  for (const JobResult& result : run.results) {
    if (!succeeded(result.outcome)) continue;
    const std::uint64_t seq = result.job.id.seq;
    CAPTURE(seq);
    const auto found = parsed.lines.find(seq);
    const std::size_t lines = found == parsed.lines.end() ? 0 : found->second;
    CHECK(lines >= lines_of(seq));
    if (lines > lines_of(seq)) ++repeated;
  }
  CHECK((repeated == 0 || run.counters.rebuilds > 0));
  return repeated;
}

}  // namespace enjoin::test
