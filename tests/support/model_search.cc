// Every state, breadth first. A state is packed into a few words, kept in one array, found by a
// hash table of indexes into it.

#include <algorithm>
#include <array>
#include <cstring>

#include "support/model.h"

namespace enjoin::test::model {

namespace {

// Calls `use(field, bits)` for each field of a state.
template <typename Use>
void each_field(State& s, Use&& use) {
  const auto actor = [&](Actor& at) {
    use(at.step, 7);
    use(at.back, 7);
    use(at.ticket, 3);
    use(at.place, 3);
  };
  for (State::Worker& worker : s.workers) {
    actor(worker);
    for (std::uint8_t& position : worker.claimed) use(position, 3);
    use(worker.count, 2);
    use(worker.at, 2);
    use(worker.generation, 2);
    use(worker.capture, 3);
    use(worker.idle, 1);
    use(worker.bell, 1);
    for (std::uint8_t& record : worker.record) use(record, 4);
    use(worker.tail, 3);
    use(worker.taken, 3);
    use(worker.read, 3);
  }
  actor(s.supervisor);
  use(s.supervisor.at, 2);
  use(s.supervisor.dead, 1);
  use(s.supervisor.printed_to, 3);
  use(s.supervisor.prints_seen, 3);
  use(s.supervisor.tail, 3);
  use(s.supervisor.freed, 3);
  for (State::Flight& flight : s.flights) {
    use(flight.state, 2);
    use(flight.ticket, 3);
    use(flight.worker, 1);
    use(flight.generation, 2);
    use(flight.losses, 2);
    use(flight.wants_print, 1);
    use(flight.printed, 1);
    use(flight.lost, 1);
  }
  for (State::Slot& slot : s.slots) {
    use(slot.state, 3);
    use(slot.worker, 1);
    use(slot.generation, 2);
    use(slot.ticket, 3);
  }
  for (State::Entry& entry : s.entries) {
    use(entry.state, 2);
    use(entry.ticket, 3);
    use(entry.has_bytes, 1);
  }
  for (std::uint8_t& job : s.job_of) use(job, 2);
  for (std::uint8_t* const word : {&s.head, &s.tail, &s.claim_lock, &s.print_lock, &s.print_next,
                                   &s.print_end, &s.printing, &s.range}) {
    use(*word, 3);
  }
  use(s.baton, 2);
  use(s.printed, 1);
  use(s.spooled, 6);
  use(s.supervisor_waits, 1);
  use(s.event, 1);
  use(s.closed, 1);
  use(s.deaths_left, 2);
  use(s.executed, 6);
  for (std::uint8_t& times : s.written) use(times, 2);
}

using Packed = std::array<std::uint64_t, 6>;

Packed pack(const State& state) {
  Packed packed{};
  unsigned at = 0;
  each_field(const_cast<State&>(state), [&](auto& field, unsigned bits) {
    const auto value = static_cast<std::uint64_t>(field);
    packed[at / 64] |= value << (at % 64);
    if (at % 64 + bits > 64) packed[at / 64 + 1] |= value >> (64 - at % 64);
    at += bits;
  });
  return packed;
}

State unpack(const Packed& packed) {
  State state{};
  unsigned at = 0;
  each_field(state, [&](auto& field, unsigned bits) {
    std::uint64_t value = packed[at / 64] >> (at % 64);
    if (at % 64 + bits > 64) value |= packed[at / 64 + 1] << (64 - at % 64);
    field = static_cast<std::remove_reference_t<decltype(field)>>(value & ((1U << bits) - 1));
    at += bits;
  });
  return state;
}

std::uint64_t hash_of(const Packed& packed) {
  std::uint64_t hash = 0;
  for (const std::uint64_t word : packed) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
    hash ^= hash >> 29;
  }
  return hash;
}

constexpr std::uint32_t kNobody = ~std::uint32_t{0};

class Search {
  struct Place {
    std::uint32_t index = kNobody;
    std::uint32_t tag = 0;  // more bits of the hash: most strangers are told by it
  };

 public:
  explicit Search(const Options& options) : options_(options), machine_(options) {
    table_.assign(std::size_t{1} << 16, Place{});
  }

  Report run() {
    add(Machine::start(options_), kNobody);
    std::size_t level_end = 1;
    for (std::uint32_t at = 0; at < states_.size(); ++at) {
      if (at == level_end) {
        ++report_.depth;
        level_end = states_.size();
      }
      if (!expand(at)) return std::move(report_);
    }
    report_.states = states_.size();
    report_.transitions = targets_.size();
    check_liveness();
    return std::move(report_);
  }

 private:
  // Adds the successors of a state. False: something is wrong, and told.
  bool expand(std::uint32_t at) {
    const State state = unpack(states_[at]);
    const std::size_t before = targets_.size();
    for (unsigned who = 0; who <= kWorkers; ++who) {
      if (who < kWorkers && machine_.may_die(state, who)) add_death(state, who, at);
      State next = state;
      if (!machine_.step(&next, who)) continue;
      const char* wrong = machine_.check(next);
      while (wrong == nullptr && machine_.goes_on(next, who)) {
        if (who < kWorkers && machine_.may_die(next, who)) add_death(next, who, at);
        if (!machine_.step(&next, who)) break;
        wrong = machine_.check(next);
      }
      const std::uint32_t index = add(next, at);
      if (wrong != nullptr) return fail(wrong, index);
      targets_.push_back(index);
    }
    if (targets_.size() == before && !machine_.is_final(state)) return fail("deadlock", at);
    ends_.push_back(targets_.size());
    return true;
  }

  void add_death(State state, unsigned who, std::uint32_t at) {
    machine_.die(&state, who);
    targets_.push_back(add(state, at));
  }

  std::uint32_t add(const State& state, std::uint32_t parent) {
    const Packed packed = pack(state);
    if (2 * states_.size() >= table_.size()) grow();
    const std::uint64_t hash = hash_of(packed);
    Place& place = find(hash, [&](std::uint32_t index) { return states_[index] == packed; });
    if (place.index == kNobody) {
      place = {static_cast<std::uint32_t>(states_.size()), tag_of(hash)};
      states_.push_back(packed);
      parents_.push_back(parent);
    }
    return place.index;
  }

  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

  template <typename IsIt>
  Place& find(std::uint64_t hash, IsIt&& is_it) {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = hash & mask;
    while (table_[at].index != kNobody &&
           (table_[at].tag != tag_of(hash) || !is_it(table_[at].index))) {
      at = (at + 1) & mask;
    }
    return table_[at];
  }

  void grow() {
    table_.assign(table_.size() * 2, Place{});
    for (std::uint32_t at = 0; at < states_.size(); ++at) {
      const std::uint64_t hash = hash_of(states_[at]);
      find(hash, [](std::uint32_t) { return false; }) = {at, tag_of(hash)};
    }
  }

  // From every state a final one can be reached: no livelock. Most states lie nearer to the start
  // than their successors, so going backwards settles nearly all at once.
  void check_liveness() {
    std::vector<bool> ends(states_.size());
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t at = states_.size(); at-- > 0;) {
        if (ends[at]) continue;
        bool good = machine_.is_final(unpack(states_[at]));
        for (std::size_t i = at == 0 ? 0 : ends_[at - 1]; i < ends_[at] && !good; ++i) {
          good = ends[targets_[i]];
        }
        if (good) changed = ends[at] = true;
      }
    }
    const auto stuck = std::find(ends.begin(), ends.end(), false);
    if (stuck == ends.end()) return;
    fail("no end can be reached any more", static_cast<std::uint32_t>(stuck - ends.begin()));
  }

  bool fail(const char* what, std::uint32_t at) {
    report_.violation = what;
    report_.states = states_.size();
    report_.transitions = targets_.size();
    std::vector<std::uint32_t> path;
    for (; at != kNobody; at = parents_[at]) path.push_back(at);
    for (std::size_t i = path.size(); i-- > 1;) {
      report_.trace.push_back(describe(unpack(states_[path[i]]), unpack(states_[path[i - 1]])));
    }
    return false;
  }

  // Who has made the steps from one state to the next, and which.
  std::string describe(const State& from, const State& to) {
    for (unsigned who = 0; who <= kWorkers; ++who) {
      State next = from;
      std::string text = who == kWorkers ? "supervisor" : "worker " + std::to_string(who);
      do {
        if (who < kWorkers && machine_.may_die(next, who)) {
          State dead = next;
          machine_.die(&dead, who);
          if (pack(dead) == pack(to)) return text + " dies before " + name_of(step_of(next, who));
        }
        const char* const name = name_of(step_of(next, who));
        if (!machine_.step(&next, who)) break;
        text += std::string(" ") + name;
        if (pack(next) == pack(to)) return text;
      } while (machine_.goes_on(next, who));
    }
    return "?";
  }

  static Step step_of(const State& state, unsigned who) {
    return who == kWorkers ? state.supervisor.step : state.workers[who].step;
  }

  Options options_;
  Machine machine_;
  Report report_;
  std::vector<Packed> states_;
  std::vector<std::uint32_t> parents_;
  std::vector<std::uint32_t> targets_;  // successors of all states, in order
  std::vector<std::size_t> ends_;       // where those of each state end
  std::vector<Place> table_;
};

}  // namespace

Report explore(const Options& options) {
  return Search(options).run();
}

const char* name_of(Step step) {
  static constexpr const char* kNames[] = {
#define ENJOIN_MODEL_STEP(name) #name,
      ENJOIN_MODEL_STEPS(ENJOIN_MODEL_STEP)
#undef ENJOIN_MODEL_STEP
  };
  return kNames[static_cast<unsigned>(step)];
}

const char* name_of(Mutant mutant) {
  static constexpr const char* kNames[] = {
#define ENJOIN_MODEL_MUTANT(name) #name,
      ENJOIN_MODEL_MUTANTS(ENJOIN_MODEL_MUTANT)
#undef ENJOIN_MODEL_MUTANT
  };
  return kNames[static_cast<unsigned>(mutant)];
}

}  // namespace enjoin::test::model
