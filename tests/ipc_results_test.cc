#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "ipc/results.h"
#include "ipc/team_memory.h"
#include "support/ipc_views.h"

using namespace enjoin;
using namespace enjoin::ipc;

namespace {

constexpr std::uint32_t kRecords = 4;

// One worker's ring with both its ends.
struct Ring {
  AtomicU64 taken{77};
  Segment segment = create_results(kRecords, {.number = 3, .generation = 5});
  ResultsHeader& header = *segment.at<ResultsHeader>(0);
  ResultReader reader{Segment::attach(test::duplicate(segment.fd()), SegmentKind::kResults,
                                      SegmentRights::kSharedWrite),
                      taken};
  ResultWriter writer{std::move(segment), taken};

  bool try_write(std::uint64_t ticket) {
    ResultRecord* record = writer.next();
    if (record == nullptr) return false;
    record->ticket = ticket;
    record->code = static_cast<std::int32_t>(ticket * 2);
    writer.publish();
    return true;
  }
  std::uint64_t take() {
    ResultRecord record{};
    return reader.try_take(&record) ? record.ticket : 0;
  }
};

}  // namespace

TEST_CASE("results: a new ring is empty and says whose it is") {
  Ring ring;
  CHECK(ring.take() == 0);
  CHECK_FALSE(ring.reader.has_more());
  CHECK(ring.taken == 0);
  CHECK(ring.header.header.count[1] == 3);
  CHECK(ring.header.header.count[2] == 5);
}

TEST_CASE("results: records come in the order of publication") {
  Ring ring;
  REQUIRE(ring.try_write(11));
  REQUIRE(ring.try_write(12));
  CHECK(ring.reader.has_more());
  CHECK(ring.take() == 11);
  CHECK(ring.take() == 12);
  CHECK(ring.take() == 0);
}

TEST_CASE("results: a record that is not published yet is not there") {
  Ring ring;
  ring.writer.next()->ticket = 9;
  CHECK(ring.take() == 0);
  ring.writer.publish();
  CHECK(ring.take() == 9);
}

TEST_CASE("results: a full ring refuses until the reader gives room") {
  Ring ring;
  for (std::uint64_t ticket = 1; ticket <= kRecords; ++ticket) REQUIRE(ring.try_write(ticket));
  CHECK_FALSE(ring.try_write(5));
  CHECK(ring.take() == 1);
  CHECK_FALSE(ring.try_write(5));
  ring.reader.give_room();
  CHECK(ring.try_write(5));
  CHECK_FALSE(ring.try_write(6));
}

TEST_CASE("results: the ring goes round") {
  Ring ring;
  for (std::uint64_t ticket = 1; ticket <= 5 * kRecords; ++ticket) {
    REQUIRE(ring.try_write(ticket));
    REQUIRE(ring.take() == ticket);
    ring.reader.give_room();
  }
}

TEST_CASE("results: what was published is there after its writer is gone") {
  AtomicU64 taken{0};
  Segment segment = create_results(kRecords, {});
  ResultReader reader(Segment::attach(test::duplicate(segment.fd()), SegmentKind::kResults,
                                      SegmentRights::kSharedWrite),
                      taken);
  {
    ResultWriter writer(std::move(segment), taken);
    writer.next()->ticket = 4;
    writer.publish();
  }
  ResultRecord record{};
  REQUIRE(reader.try_take(&record));
  CHECK(record.ticket == 4);
}

TEST_CASE("results: a tail that only damage explains gives nothing") {
  SUBCASE("beyond the ring") {
    Ring ring;
    ring.header.tail = kRecords + 1;
    CHECK(ring.take() == 0);
    CHECK(ring.reader.damaged());
    CHECK_FALSE(ring.reader.has_more());
  }
  SUBCASE("going back") {
    Ring ring;
    REQUIRE(ring.try_write(1));
    REQUIRE(ring.try_write(2));
    REQUIRE(ring.take() == 1);
    REQUIRE(ring.take() == 2);
    ring.header.tail = 1;
    CHECK(ring.take() == 0);
    CHECK(ring.reader.damaged());
  }
}

TEST_CASE("results: a ring whose size does not fit its count is refused") {
  AtomicU64 taken{0};
  Segment segment = create_results(kRecords, {});
  segment.header().count[0] = 2 * kRecords;
  CHECK_THROWS_AS(ResultWriter(std::move(segment), taken), Error);
}
