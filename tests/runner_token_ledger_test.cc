#include <map>
#include <random>

#include <doctest/doctest.h>

#include "runner/jobserver/token_ledger.h"

using enjoin::TokenLedger;

namespace {

/// Jobs' pipes without pipes: what lies in each, and what each has taken.
struct Pipes {
  explicit Pipes(std::uint32_t slots) : ledger(slots) {}

  void share_out(bool start_waits = false, bool patience_over = false) {
    for (const auto& [job, count] : unused) REQUIRE(ledger.see(job, count) == 0);
    while (const auto move = ledger.next_move(start_waits, patience_over)) {
      if (move->from) --unused.at(*move->from);
      if (move->to) ++unused[*move->to];
      if (move->from && move->to) patience_over = false;
      ledger.moved(*move);
    }
  }
  bool try_begin(TokenLedger::JobKey job) {
    if (!ledger.try_begin(job)) return false;
    unused[job] = 0;
    return true;
  }
  void end(TokenLedger::JobKey job) {
    ledger.end(job);
    unused.erase(job);
    taken.erase(job);
  }
  bool try_take(TokenLedger::JobKey job) {
    if (unused.at(job) == 0) return false;
    --unused[job];
    ++taken[job];
    return true;
  }
  void give_back(TokenLedger::JobKey job) {
    --taken.at(job);
    ++unused.at(job);
  }
  std::size_t used() const {
    std::size_t sum = unused.size();
    for (const auto& [job, count] : unused) sum += count;
    for (const auto& [job, count] : taken) sum += count;
    return sum;
  }

  TokenLedger ledger;
  std::map<TokenLedger::JobKey, std::uint32_t> unused;
  std::map<TokenLedger::JobKey, std::uint32_t> taken;
};

}  // namespace

TEST_CASE("token ledger: as many jobs begin as there are slots") {
  TokenLedger ledger(2);
  CHECK(ledger.try_begin(1));
  CHECK(ledger.try_begin(2));
  CHECK_FALSE(ledger.try_begin(3));
  ledger.end(1);
  CHECK(ledger.try_begin(3));
}

TEST_CASE("token ledger: one job is offered all that is free") {
  Pipes pipes(8);
  REQUIRE(pipes.try_begin(1));
  pipes.share_out();
  CHECK(pipes.unused[1] == 7);
  CHECK(pipes.ledger.free() == 0);
}

TEST_CASE("token ledger: jobs share what is free alike") {
  Pipes pipes(8);
  REQUIRE(pipes.try_begin(1));
  REQUIRE(pipes.try_begin(2));
  pipes.share_out();
  CHECK(pipes.unused[1] == 3);
  CHECK(pipes.unused[2] == 3);
}

TEST_CASE("token ledger: a start takes an unused token back") {
  Pipes pipes(8);
  REQUIRE(pipes.try_begin(1));
  pipes.share_out();
  CHECK_FALSE(pipes.try_begin(2));
  pipes.share_out(true);
  CHECK(pipes.try_begin(2));
  CHECK(pipes.unused[1] == 6);
}

TEST_CASE("token ledger: what a job has in use is not taken from it") {
  Pipes pipes(2);
  REQUIRE(pipes.try_begin(1));
  pipes.share_out();
  REQUIRE(pipes.try_take(1));
  pipes.share_out(true);
  CHECK_FALSE(pipes.try_begin(2));
  pipes.give_back(1);
  pipes.share_out(true);
  CHECK(pipes.try_begin(2));
}

TEST_CASE("token ledger: what a job that ended had in use is free") {
  Pipes pipes(4);
  REQUIRE(pipes.try_begin(1));
  pipes.share_out();
  for (int i = 0; i < 3; ++i) REQUIRE(pipes.try_take(1));
  pipes.share_out();
  CHECK(pipes.ledger.free() == 0);
  pipes.end(1);
  CHECK(pipes.ledger.free() == 4);
}

TEST_CASE("token ledger: a job that has taken its own gets half of another's") {
  Pipes pipes(10);
  REQUIRE(pipes.try_begin(1));
  REQUIRE(pipes.try_begin(2));
  pipes.share_out();
  while (pipes.try_take(1)) {
  }
  pipes.share_out();
  CHECK(pipes.unused[1] == 2);
  CHECK(pipes.unused[2] == 2);
}

TEST_CASE("token ledger: the last unused token moves when patience is over") {
  Pipes pipes(3);
  REQUIRE(pipes.try_begin(1));
  REQUIRE(pipes.try_begin(2));
  pipes.share_out();
  const auto idle = pipes.unused[1] == 1 ? 1U : 2U;
  pipes.share_out();
  CHECK(pipes.unused[idle] == 1);
  CHECK(pipes.ledger.is_uneven());
  pipes.share_out(false, true);
  CHECK(pipes.unused[idle] == 0);
  CHECK(pipes.unused[3 - idle] == 1);
}

TEST_CASE("token ledger: who is known to take tokens is served before others") {
  Pipes pipes(6);
  for (TokenLedger::JobKey job = 1; job <= 4; ++job) REQUIRE(pipes.try_begin(job));
  pipes.share_out();
  const auto taker = pipes.unused[1] == 1 ? 1U : pipes.unused[2] == 1 ? 2U : 3U;
  REQUIRE(pipes.try_take(taker));
  pipes.share_out();
  pipes.share_out(false, true);
  CHECK(pipes.unused[taker] == 1);
}

TEST_CASE("token ledger: tokens that a job made itself are thrown away") {
  TokenLedger ledger(4);
  REQUIRE(ledger.try_begin(1));
  CHECK(ledger.see(1, 2) == 2);
  CHECK(ledger.granted(1) == 0);
  CHECK(ledger.see(7, 1) == 1);
}

TEST_CASE("token ledger: whatever jobs do, no more than all slots are in use, and none is lost") {
  std::mt19937 random(20261123);
  constexpr std::uint32_t slots = 7;
  Pipes pipes(slots);
  for (int step = 0; step < 20'000; ++step) {
    const TokenLedger::JobKey job = random() % 12;
    const bool runs = pipes.unused.contains(job);
    switch (random() % 6) {
      case 0:
        if (!runs) {
          pipes.share_out(true);
          const bool had_free = pipes.used() < slots;
          CHECK(pipes.try_begin(job) == had_free);
        }
        break;
      case 1:
        if (runs) pipes.end(job);
        break;
      case 2:
      case 3:
        if (runs) pipes.try_take(job);
        break;
      case 4:
        if (runs && pipes.taken[job] > 0) pipes.give_back(job);
        break;
      default:
        pipes.share_out(false, random() % 2 == 0);
    }
    REQUIRE(pipes.used() <= slots);
    REQUIRE(pipes.used() + pipes.ledger.free() == slots);
  }
}
