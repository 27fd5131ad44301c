#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/halt.h"

using enjoin::Error;
using enjoin::halt_exit_status;
using enjoin::halt_is_due;
using enjoin::HaltCounts;
using enjoin::HaltSpec;
using enjoin::parse_halt;
using When = enjoin::HaltSpec::When;
using Why = enjoin::HaltSpec::Why;

namespace {

HaltCounts of_all(std::uint64_t failed, std::uint64_t succeeded, std::uint64_t total) {
  return {failed, succeeded, total, true};
}

}  // namespace

TEST_CASE("halt: when, why and a number make a rule") {
  const HaltSpec spec = parse_halt("soon,success=12");
  CHECK(spec.when == When::kSoon);
  CHECK(spec.why == Why::kSuccess);
  CHECK(spec.count == 12);
  CHECK(spec.percent == 0);
}

TEST_CASE("halt: a percentage leaves the count zero") {
  const HaltSpec spec = parse_halt("now,done=33%");
  CHECK(spec.when == When::kNow);
  CHECK(spec.why == Why::kDone);
  CHECK(spec.count == 0);
  CHECK(spec.percent == 33);
}

TEST_CASE("halt: the old forms mean what they meant") {
  CHECK(parse_halt("0").when == When::kNever);
  CHECK(parse_halt("never").when == When::kNever);
  CHECK(parse_halt("1").when == When::kSoon);
  CHECK(parse_halt("1").count == 1);
  CHECK(parse_halt("2").when == When::kNow);
  CHECK(parse_halt("2").why == Why::kFail);
  CHECK(parse_halt("-1").why == Why::kSuccess);
  CHECK(parse_halt("-2").when == When::kNow);
  CHECK(parse_halt("10%").when == When::kSoon);
  CHECK(parse_halt("10%").percent == 10);
}

TEST_CASE("halt: what is no rule is refused") {
  for (const char* text :
       {"", "3", "now", "soon,fail", "fail=1", "now,fail=", "now,fail=0", "now,fail=0%",
        "now,fail=x", "now, fail=1", "NOW,FAIL=1", "now,fail=-1", "0%", "%"})
    CHECK_THROWS_AS(parse_halt(text), Error);
}

TEST_CASE("halt: a message says which part is wrong") {
  try {
    parse_halt("now,fails=3");
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("'fails' is not fail, success or done") !=
          std::string::npos);
  }
}

TEST_CASE("halt: a number is due when so many have ended that way") {
  CHECK_FALSE(halt_is_due(parse_halt("now,fail=2"), of_all(1, 9, 100)));
  CHECK(halt_is_due(parse_halt("now,fail=2"), of_all(2, 0, 100)));
  CHECK(halt_is_due(parse_halt("now,done=10"), of_all(1, 9, 100)));
  CHECK(halt_is_due(parse_halt("soon,success=1"), {0, 1, 1, false}));
  CHECK_FALSE(halt_is_due(parse_halt("never"), of_all(100, 0, 100)));
}

TEST_CASE("halt: a percentage is one of all jobs") {
  CHECK_FALSE(halt_is_due(parse_halt("now,fail=30%"), of_all(2, 0, 10)));
  CHECK(halt_is_due(parse_halt("now,fail=30%"), of_all(3, 0, 10)));
  CHECK(halt_is_due(parse_halt("now,fail=33%"), of_all(1, 0, 3)));
  CHECK_FALSE(halt_is_due(parse_halt("now,fail=34%"), of_all(1, 0, 3)));
  CHECK_FALSE(halt_is_due(parse_halt("now,fail=1%"), of_all(0, 5, 10)));
  CHECK_FALSE(halt_is_due(parse_halt("now,fail=1%"), of_all(0, 0, 0)));
}

TEST_CASE("halt: a percentage waits until the number of jobs is final") {
  CHECK_FALSE(halt_is_due(parse_halt("now,fail=10%"), {5, 0, 5, false}));
}

// Each line was observed by running GNU parallel 20221122, but where the comment says otherwise.
TEST_CASE("halt: the exit status is GNU parallel's") {
  CHECK(halt_exit_status(parse_halt("never"), of_all(6, 4, 10), 7) == 6);
  CHECK(halt_exit_status(parse_halt("never"), of_all(500, 0, 500), 7) == 101);
  CHECK(halt_exit_status(parse_halt("now,fail=1"), of_all(1, 1, 3), 7) == 7);
  CHECK(halt_exit_status(parse_halt("soon,fail=1"), of_all(2, 0, 4), 1) == 1);
  CHECK(halt_exit_status(parse_halt("soon,fail=1"), of_all(1, 1, 3), 137) == 137);
  CHECK(halt_exit_status(parse_halt("now,fail=1"), of_all(0, 3, 3), 0) == 0);
  CHECK(halt_exit_status(parse_halt("now,fail=2"), of_all(2, 1, 4), 3) == 2);
  CHECK(halt_exit_status(parse_halt("now,fail=5"), of_all(3, 1, 4), 9) == 3);
  CHECK(halt_exit_status(parse_halt("now,done=1"), of_all(1, 0, 3), 7) == 7);
  CHECK(halt_exit_status(parse_halt("now,done=2"), of_all(1, 1, 3), 3) == 1);
  CHECK(halt_exit_status(parse_halt("now,done=2"), of_all(0, 2, 3), 0) == 101);
  CHECK(halt_exit_status(parse_halt("soon,success=2"), of_all(1, 2, 4), 0) == 0);
  CHECK(halt_exit_status(parse_halt("soon,success=5"), of_all(1, 3, 4), 0) == 1);
  CHECK(halt_exit_status(parse_halt("soon,success=50%"), of_all(2, 3, 5), 0) == 0);
  CHECK(halt_exit_status(parse_halt("soon,success=90%"), of_all(2, 3, 5), 0) == 40);
  CHECK(halt_exit_status(parse_halt("soon,fail=20%"), of_all(1, 1, 5), 7) == 7);
  CHECK(halt_exit_status(parse_halt("soon,fail=30%"), of_all(2, 1, 5), 7) == 40);
  CHECK(halt_exit_status(parse_halt("soon,fail=33%"), of_all(1, 1, 3), 7) == 34);
  CHECK(halt_exit_status(parse_halt("soon,fail=34%"), of_all(1, 2, 3), 7) == 34);
  CHECK(halt_exit_status(parse_halt("soon,fail=50%"), of_all(1, 0, 1), 7) == 100);
  CHECK(halt_exit_status(parse_halt("soon,done=34%"), of_all(1, 1, 3), 7) == 34);
}
