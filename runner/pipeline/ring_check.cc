#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "runner/pipeline/checker.h"

namespace enjoin {
namespace {

struct Edge {
  std::size_t to;
  FilePosition at;
};

class RingCheck {
 public:
  RingCheck(const PipelineFile& file, const std::vector<StageDraft>& drafts, Complaints* complaints)
      : file_(file), complaints_(*complaints) {
    for (const StageDraft& draft : drafts) edges_.push_back(edges_of(draft));
  }

  std::vector<std::size_t> run() {
    states_.assign(edges_.size(), State::kNew);
    for (std::size_t stage = 0; stage < edges_.size(); ++stage)
      if (states_[stage] == State::kNew) walk(stage);
    return std::move(order_);
  }

 private:
  enum class State : std::uint8_t { kNew, kOnPath, kDone };
  struct Step {
    std::size_t stage;
    std::size_t edge = 0;  // the next to follow
  };

  std::vector<Edge> edges_of(const StageDraft& draft) const {
    std::vector<Edge> edges;
    const auto add = [&](const std::string& name, FilePosition at) {
      if (const std::optional<std::size_t> to = file_.find_stage(name)) edges.push_back({*to, at});
    };
    for (const NameUse& need : draft.needs) add(need.name, need.at);
    for (const StageDraft::Each& each : draft.needs_each) add(each.stage.name, each.stage.at);
    for (const LinkedSources& sources : draft.stage.foreach)
      for (const ForeachSource& source : sources)
        if (source.kind == ForeachSource::Kind::kStage) add(source.text.source, source.text.at);
    return edges;
  }

  // Without recursion: a file may hold a chain of any length.
  void walk(std::size_t first) {
    std::vector<Step> path{{first}};
    states_[first] = State::kOnPath;
    while (!path.empty()) {
      Step& step = path.back();
      if (step.edge == edges_[step.stage].size()) {
        states_[step.stage] = State::kDone;
        order_.push_back(step.stage);
        path.pop_back();
        continue;
      }
      const Edge& edge = edges_[step.stage][step.edge++];
      if (states_[edge.to] == State::kOnPath) {
        tell(path, edge);
      } else if (states_[edge.to] == State::kNew) {
        states_[edge.to] = State::kOnPath;
        path.push_back({edge.to});
      }
    }
  }

  void tell(const std::vector<Step>& path, const Edge& back) {
    auto from = path.end();
    do {
      --from;
    } while (from->stage != back.to);
    std::string text;
    for (auto step = from; step != path.end(); ++step) {
      text += "'" + file_.stages[step->stage].name + "' needs ";
      if (step + 1 != path.end()) text += "'" + file_.stages[(step + 1)->stage].name + "', ";
    }
    if (from + 1 == path.end()) {
      complaints_.add(back.at, "stage '" + file_.stages[back.to].name + "' needs itself");
    } else {
      complaints_.add(back.at, "stages need each other in a ring: " + text + "'" +
                                   file_.stages[back.to].name + "'");
    }
  }

  const PipelineFile& file_;
  Complaints& complaints_;
  std::vector<std::vector<Edge>> edges_;
  std::vector<State> states_;
  std::vector<std::size_t> order_;
};

}  // namespace

std::vector<std::size_t> check_rings(const PipelineFile& file,
                                     const std::vector<StageDraft>& drafts,
                                     Complaints* complaints) {
  return RingCheck(file, drafts, complaints).run();
}

}  // namespace enjoin
