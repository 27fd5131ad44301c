// libFuzzer target: numbers, sizes, times, limits and policies as people write them. Each text is
// read or refused with an Error; what is read lies within what was asked for.

#include <cmath>
#include <string>

#include "enjoin/error.h"
#include "fuzz/fuzz_input.h"
#include "runner/admission.h"
#include "runner/cli/escapes.h"
#include "runner/halt.h"
#include "runner/units.h"

namespace {

using namespace enjoin;
using enjoin::test::FuzzInput;
using enjoin::test::require;

template <typename Read>
void try_reading(Read read) {
  try {
    read();
  } catch (const Error&) {
    // Refused, as it should be.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  for (const std::string& text : input.strings('\n')) {
    try_reading([&] { require(parse_duration(text, "--x").count() >= 0); });
    try_reading([&] { static_cast<void>(parse_size(text, "--x")); });
    try_reading([&] {
      const std::uint64_t count = parse_count(text, "--x", 3, 1000);
      require(count >= 3 && count <= 1000);
    });
    try_reading([&] { static_cast<void>(parse_count(text, "--x", 0, ~std::uint64_t{0})); });
    try_reading([&] {
      const TimeoutSpec timeout = parse_timeout(text);
      require(timeout.limit.count() >= 0 && timeout.percent_of_median >= 0 &&
              std::isfinite(timeout.percent_of_median));
      require(timeout.limit.count() == 0 || timeout.percent_of_median == 0);
    });
    try_reading([&] { static_cast<void>(parse_limits(text)); });
    try_reading([&] { static_cast<void>(halt_is_due(parse_halt(text), {3, 4, 9, true})); });
    try_reading([&] { static_cast<void>(parse_limit(text)); });
    try_reading([&] { static_cast<void>(resolve_escapes(text, "--x")); });
    // A file's name would be opened.
    if (is_jobs_file(text)) continue;
    try_reading([&] {
      const std::uint32_t jobs = parse_jobs(text, 8, 4096);
      require(jobs >= 1);
    });
  }
  return 0;
}
