#include "runner/run/graph_check.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "enjoin/error.h"
#include "worker/term_safe.h"

namespace enjoin {

void check_graph(const GraphPlan& plan, const JobSource& source) {
  constexpr std::size_t kMostNamed = 8;
  const std::vector<JobIndex> ring = plan.find_cycle();
  if (ring.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < std::min(ring.size(), kMostNamed); ++i) {
    names += fmt::format("{} needs ", term_safe(source.text(ring[i]).name));
  }
  if (ring.size() > kMostNamed) names += "… needs ";
  throw Error(fmt::format("jobs need each other in a ring: {}{}", names,
                          term_safe(source.text(ring.front()).name)));
}

}  // namespace enjoin
