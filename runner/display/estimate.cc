#include "runner/display/estimate.h"

#include <algorithm>

#include "runner/display/frame.h"

namespace enjoin {
namespace {

constexpr double kMostSeconds = 3e9;  // a century: the duration has to fit its type

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void Estimate::add(StageIndex stage, std::chrono::nanoseconds wall) {
  if (stages_.size() <= at(stage)) stages_.resize(at(stage) + 1);
  for (Sum* const sum : {&stages_[at(stage)], &all_}) {
    ++sum->jobs;
    sum->seconds += seconds(wall);
  }
}

std::optional<std::chrono::nanoseconds> Estimate::left(const GraphPlan& plan,
                                                       std::chrono::nanoseconds elapsed,
                                                       std::chrono::nanoseconds spent) const {
  if (all_.seconds <= 0 || elapsed.count() <= 0) return std::nullopt;
  double work = -seconds(spent);
  for (std::size_t index = 0; index < plan.stages(); ++index) {
    const StageIndex stage{static_cast<std::uint32_t>(index)};
    const GraphPlan::Counts counts = plan.counts(stage);
    const bool is_known = index < stages_.size() && stages_[index].jobs > 0;
    const double average = is_known ? stages_[index].average() : all_.average();
    work += static_cast<double>(counts.added - std::min(counts.added, done(counts))) * average;
  }
  // Work done in each second so far. Where jobs are short, that is less than what runs at once.
  const double speed = (all_.seconds + seconds(spent)) / seconds(elapsed);
  const double left = std::clamp(work / speed, 0.0, kMostSeconds);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(left));
}

}  // namespace enjoin
