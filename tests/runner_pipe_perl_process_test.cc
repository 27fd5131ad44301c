#include <string>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/pipe/record_router.h"
#include "support/blocks.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

PipeSpec grouped(std::string column) {
  PipeSpec spec;
  spec.group_by = std::move(column);
  spec.records_per_block = 1;
  return spec;
}

}  // namespace

TEST_CASE("groups: a Perl expression makes the key of a line or of a column") {
  const std::string lines = "a 1\na 2\nb 3\nb 4\nc 5\n";
  CHECK(blocks_of(grouped("s/ .*//"), lines) == Texts{"a 1\na 2\n", "b 3\nb 4\n", "c 5\n"});
  InputSpec input;
  input.column_regex = " ";
  CHECK(blocks_of(grouped("2 $_=int($_/2)"), lines, input) ==
        Texts{"a 1\n", "a 2\nb 3\n", "b 4\nc 5\n"});
  CHECK(blocks_of(grouped("n $_=int($_/2)"), "l n\n" + lines, input) ==
        Texts{"l n\na 1\n", "l n\na 2\nb 3\n", "l n\nb 4\nc 5\n"});
}

TEST_CASE("groups: many lines go through Perl") {
  const Texts blocks = blocks_of(grouped("$_=int($_/1000)"), seq(1, 4999));
  REQUIRE(blocks.size() == 5);
  CHECK(blocks[1] == seq(1000, 1999));
}

TEST_CASE("groups: an expression that Perl refuses is told of") {
  CHECK_THROWS_WITH_AS(blocks_of(grouped("s/x"), "a\n"),
                       doctest::Contains("--group-by: perl refuses"), UsageError);
}

TEST_CASE("router: a Perl expression makes the number") {
  PipeSpec spec;
  spec.bin = "1 $_%=2";
  RecordRouter router(spec, {}, 3);
  Texts parts(3);
  router.route(seq(1, 6), parts);
  CHECK(parts == Texts{"1\n3\n5\n", "", "2\n4\n6\n"});
}
