#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runner/pipeline/items.h"
#include "runner/pipeline/pipeline_file.h"

namespace enjoin {

/// Which jobs of another stage the jobs of a stage need.
struct StageLink {
  enum class Kind : std::uint8_t {
    kAll,   ///< each needs all (`needs`)
    kSame,  ///< each the one with its own number
    kRows,  ///< job k those that `rows` names from begins[k] to begins[k + 1]
  } kind = Kind::kAll;
  std::size_t stage = 0;
  std::vector<std::uint32_t> begins = {};
  std::vector<std::uint32_t> rows = {};
};

/// The items of a stage, one for each of its jobs.
struct StageItems {
  ItemTable table;
  std::vector<StageLink> links;  ///< those of jobs before those of whole stages
};

/// The items of all stages of a pipeline, as far as they are known.
class PipelineItems {
 public:
  explicit PipelineItems(const PipelineFile& file);

  /// The stages that must have their items before `stage` can have its own.
  std::vector<std::size_t> iterated_over(std::size_t stage) const;
  /// Reads what the stage iterates over, after that was done for the stages in iterated_over().
  /// Throws Error: where and why; the stage has no items then.
  void expand(std::size_t stage);
  bool is_expanded(std::size_t stage) const { return items_[stage].has_value(); }
  const StageItems& items(std::size_t stage) const { return *items_[stage]; }

  /// Calls `use(row)` for each job that job `row` of a stage needs by `link`.
  template <typename Use>
  void each_needed(const StageLink& link, std::uint32_t row, Use use) const {
    switch (link.kind) {
      case StageLink::Kind::kAll:
        for (std::uint32_t i = 0; i < items_[link.stage]->table.rows(); ++i) use(i);
        break;
      case StageLink::Kind::kSame:
        use(row);
        break;
      case StageLink::Kind::kRows:
        for (std::uint32_t i = link.begins[row]; i < link.begins[row + 1]; ++i) use(link.rows[i]);
        break;
    }
  }

 private:
  const PipelineFile& file_;
  std::shared_ptr<TextPool> pool_;
  std::vector<std::optional<StageItems>> items_;
};

}  // namespace enjoin
