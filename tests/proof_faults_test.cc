// The n-th system call that can fail, fails: for every n, role and error.
//
// ENJOIN_FAULTS=all tries all that there are, in all shapes of run. ENJOIN_FAULTS='SHAPE ROLE CLASS
// N' repeats one; each of them may be `*`, and N+ is "the N-th and all that follow".

#include <cstdlib>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "support/fault_sweep.h"

using namespace enjoin::test;

namespace {

constexpr Role kRoles[] = {Role::kSupervisor, Role::kKeeper, Role::kWorker};

struct Chosen {
  std::string shape = "*";
  std::string role = "*";
  std::string kind = "*";
  std::string nth = "*";

  static bool takes(const std::string& pattern, std::string_view name) {
    return pattern == "*" || pattern == name;
  }
};

void run_chosen(const Chosen& chosen) {
  FaultCounts all;
  for (const Shape& shape : fault_shapes()) {
    if (!Chosen::takes(chosen.shape, shape.name)) continue;
    for (const Role role : kRoles) {
      if (!Chosen::takes(chosen.role, name_of(role))) continue;
      for (const FaultClass& kind : fault_classes()) {
        if (!Chosen::takes(chosen.kind, kind.name)) continue;
        for (const bool lasting : {false, true}) {
          if (lasting && kind.only_once) continue;
          const bool one = chosen.nth.find_first_of("0123456789") == 0;
          const bool plus = chosen.nth.find('+') != std::string::npos;
          if ((one || plus) && plus != lasting) continue;
          const Fault fault{.kind = &kind, .role = role, .lasting = lasting};
          const std::size_t first = one ? std::stoul(chosen.nth) : 1;
          const FaultCounts counts = sweep(shape, fault, first, one ? 1'000'000 : 1);
          std::printf(
              "%-8s %-10s %-6s %-7s runs %3zu injected %3zu went on %3zu errors %3zu"
              " violations %zu\n",
              shape.name.c_str(), std::string(name_of(role)).c_str(), kind.name,
              lasting ? "lasting" : "once", counts.runs, counts.injected, counts.went_on,
              counts.clean_errors, counts.violations);
          std::fflush(stdout);
          all += counts;
        }
      }
    }
  }
  std::printf("all: runs %zu injected %zu went on %zu errors %zu violations %zu\n", all.runs,
              all.injected, all.went_on, all.clean_errors, all.violations);
}

}  // namespace

TEST_CASE("faults: whichever system call fails, the run ends, and tells the truth") {
  if (!can_inject()) return;
  const char* const wanted = std::getenv("ENJOIN_FAULTS");
  Chosen chosen;
  if (wanted != nullptr && std::string_view(wanted) != "all") {
    std::istringstream words(wanted);
    words >> chosen.shape >> chosen.role >> chosen.kind >> chosen.nth;
  }
  run_chosen(chosen);
}
