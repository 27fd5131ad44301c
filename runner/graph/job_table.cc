#include "runner/graph/job_table.h"

#include <algorithm>

namespace enjoin {
namespace {

enum class Mark : std::uint8_t { kUnseen, kOnPath, kDone };

struct Step {
  std::uint32_t job;
  std::uint32_t edge;  // the next one to look at
};

// The path ends in a job that needs... the way runs along edges, from a job to one that needs it.
std::vector<JobIndex> ring_of(const std::vector<Step>& path, std::uint32_t again) {
  std::vector<JobIndex> ring;
  for (auto step = path.rbegin(); step != path.rend(); ++step) {
    ring.push_back(JobIndex{step->job});
    if (step->job == again) break;
  }
  // Reversed as it is, each needs the next. It begins with the one that was described first.
  std::rotate(ring.begin(), std::min_element(ring.begin(), ring.end()), ring.end());
  return ring;
}

}  // namespace

std::vector<JobIndex> JobTable::find_cycle() const {
  // Where all edges lead to jobs that came later, there can be none.
  bool is_ordered = true;
  for (std::uint32_t job = 0; is_ordered && job < size(); ++job) {
    for_each_dependent(job, [&](std::uint32_t to) { is_ordered = is_ordered && to > job; });
  }
  if (is_ordered) return {};
  std::vector<Mark> marks(size(), Mark::kUnseen);
  std::vector<Step> path;
  for (std::uint32_t first = 0; first < size(); ++first) {
    if (marks[first] != Mark::kUnseen) continue;
    marks[first] = Mark::kOnPath;
    path.push_back({first, jobs_[first].first_edge});
    while (!path.empty()) {
      Step& step = path.back();
      if (step.edge == kNoIndex) {
        marks[step.job] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const Edge edge = edges_[step.edge];
      step.edge = edge.next;
      if (marks[edge.to] == Mark::kOnPath) return ring_of(path, edge.to);
      if (marks[edge.to] == Mark::kDone) continue;
      marks[edge.to] = Mark::kOnPath;
      path.push_back({edge.to, jobs_[edge.to].first_edge});
    }
  }
  return {};
}

}  // namespace enjoin
