#include "support/plays.h"

#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

#include <sys/mman.h>

namespace enjoin::test {
namespace {

constexpr std::size_t kLargeInput = 70'000;  // more than a slot holds, and than workers keep quiet

Play play(const char* name, std::uint64_t jobs, std::function<void(Stage&)> act,
          std::uint32_t workers = 1) {
  Play made;
  made.name = name;
  made.jobs = jobs;
  made.spec = play_spec(workers);
  made.act = std::move(act);
  return made;
}

// Two jobs, printed as they end; then the worker sleeps until there is a third.
Play direct() {
  return play("direct", 3, [](Stage& stage) {
    stage.start_effect(1);
    stage.start_effect(2);
    stage.finish();
    stage.start_effect(3);
    stage.finish();
  });
}

// Jobs that need no process are claimed by the dozen; one that does has the rest handed back.
Play batch() {
  constexpr std::uint64_t real = 16;
  Play made = play("batch", 24, [](Stage& stage) {
    for (std::uint64_t seq = 1; seq <= 24; ++seq) {
      seq == real ? stage.start_effect(seq) : stage.start(seq, ":");
    }
    stage.finish();
  });
  made.slow_time = true;
  made.is_no_op = [](std::uint64_t seq) { return seq != real; };
  return made;
}

// The first job ends last. Whoever runs it prints for the other worker, whose outputs wait.
Play ordered(const char* name, unsigned victim) {
  Play made = play(
      name, 4,
      [](Stage& stage) {
        stage.start_effect(1, stage.gate_words());
        stage.wait_until_announced();
        for (std::uint64_t seq = 2; seq <= 4; ++seq) stage.start_effect(seq);
        stage.finish_but(1);
        stage.open_gate();
        stage.finish();
      },
      2);
  made.spec.ordered = true;
  made.spec.worker.keep_order = true;
  made.victim = victim;
  return made;
}

// Two workers at once.
Play crowd() {
  return play(
      "crowd", 6,
      [](Stage& stage) {
        for (std::uint64_t seq = 1; seq <= 6; ++seq) stage.start_effect(seq);
        stage.finish();
      },
      2);
}

// A process outlives a job, and its worker retires.
Play leftovers(const char* name, Leftovers policy) {
  Play made = play(name, 3, [](Stage& stage) {
    stage.start_effect(1, stage.leave_words());
    for (std::uint64_t seq = 2; seq <= 3; ++seq) stage.start_effect(seq);
    stage.finish();
  });
  made.spec.worker.leftovers = policy;
  return made;
}

// Inputs that lie in the arena.
Play large() {
  Play made = play("large", 3, [](Stage& stage) {
    stage.start_effect(1, " size " + std::string(90, 'a'));
    stage.start_effect(2, " size " + std::string(kLargeInput, 'b'));
    stage.start_effect(3, " size " + std::string(80, 'c'));
    stage.finish();
  });
  made.out = [](std::uint64_t seq) {
    const std::size_t size = seq == 1 ? 90 : seq == 2 ? kLargeInput : 80;
    return std::to_string(size) + ' ' + std::to_string(size * ('a' + seq - 1)) + "\nout " +
           std::to_string(seq) + '\n';
  };
  return made;
}

// Lines are tagged on their way to the spools.
Play tagged() {
  Play made = play("tagged", 2, [](Stage& stage) {
    stage.start_effect(1);
    stage.start_effect(2);
    stage.finish();
  });
  made.spec.worker.tag = TemplateSpec{{"t{#}"}};
  return made;
}

// Jobs whose stdin the supervisor gives.
Play fed() {
  Play made = play("fed", 2, [](Stage& stage) {
    const ipc::UniqueFd data(::memfd_create("data", MFD_CLOEXEC));
    [[maybe_unused]] const ssize_t done = ::write(data.get(), "ab\ncd\n", 6);
    stage.team().give_stdin([&data](const Job& job) {
      StdinSource source;
      source.add(data.get(), {.offset = 3 * (job.id.seq - 1), .length = 3});
      return source;
    });
    stage.start_effect(1, " cat");
    stage.start_effect(2, " cat");
    stage.finish();
  });
  made.spec.worker.job_input = JobInput::kStdin;
  made.out = [](std::uint64_t seq) {
    return std::string(seq == 1 ? "ab\n" : "cd\n") + "out " + std::to_string(seq) + '\n';
  };
  return made;
}

// The tracer says when the last job is to come. It is recorded in any case.
Play one_more() {
  return play("one more", 2, [](Stage& stage) {
    stage.start_effect(1);
    stage.finish_with_command([&stage] { stage.start_effect(2); });
  });
}

// A job that is ended because its time is over.
Play timed_out() {
  Play made = play("timed out", 2, [](Stage& stage) {
    stage.start_effect(1, stage.gate_words(), std::chrono::milliseconds(40));
    stage.start_effect(2);
    stage.finish();
  });
  made.spec.worker.stop_ladder = {{15, 50}, {9, 50}};
  made.is_no_op = [](std::uint64_t seq) { return seq == 1; };
  made.ends_well = [](std::uint64_t seq, const Outcome& outcome) {
    return seq == 1 ? std::holds_alternative<TimedOut>(outcome) : succeeded(outcome);
  };
  return made;
}

}  // namespace

std::vector<Play> all_plays() {
  return {direct(),
          batch(),
          ordered("ordered, printing for others", 0),
          ordered("ordered, handing in", 1),
          crowd(),
          leftovers("retiring", Leftovers::kReport),
          leftovers("sweeping", Leftovers::kKill),
          large(),
          tagged(),
          fed(),
          timed_out()};
}

Play play_named(const std::string& name) {
  for (Play& made : all_plays()) {
    if (name == made.name) return std::move(made);
  }
  if (name == "one more") return one_more();
  throw std::runtime_error("no such play: " + name);
}

}  // namespace enjoin::test
