#include "runner/pipeline/stage_items.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

#include "enjoin/error.h"
#include "runner/pipeline/item_sources.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kNoStage = ~std::size_t{0};

std::string count_of(std::uint32_t rows) {
  return std::to_string(rows) + (rows == 1 ? " item" : " items");
}

/// The rows of a table by their values in some columns.
class RowGroups {
 public:
  RowGroups(const ItemTable& table, const std::vector<std::size_t>& columns) {
    for (std::uint32_t row = 0; row < table.rows(); ++row) {
      const auto [place, is_new] = groups_.try_emplace(key(table, columns, row), order_.size());
      if (is_new) order_.emplace_back();
      order_[place->second].push_back(row);
    }
  }

  /// In the order in which their first rows come.
  const std::vector<std::vector<std::uint32_t>>& all() const { return order_; }
  /// Those with the same values as `row` of another table; nullptr: none.
  const std::vector<std::uint32_t>* find(const ItemTable& table,
                                         const std::vector<std::size_t>& columns,
                                         std::uint32_t row) const {
    const auto found = groups_.find(key(table, columns, row));
    return found == groups_.end() ? nullptr : &order_[found->second];
  }

 private:
  static std::string key(const ItemTable& table, const std::vector<std::size_t>& columns,
                         std::uint32_t row) {
    std::string bytes;
    for (const std::size_t column : columns) {
      const std::uint32_t id = table.id(row, column);
      bytes.append(reinterpret_cast<const char*>(&id), sizeof id);
    }
    return bytes;
  }

  std::unordered_map<std::string, std::size_t> groups_;
  std::vector<std::vector<std::uint32_t>> order_;
};

/// Makes the items of one stage.
class Expansion {
 public:
  Expansion(const PipelineFile& file, std::size_t stage,
            const std::vector<std::optional<StageItems>>& items,
            const std::shared_ptr<TextPool>& pool)
      : file_(file), stage_(file.stages[stage]), items_(items), pool_(pool) {}

  StageItems run() {
    std::size_t next = 0;
    if (!stage_.foreach.empty()) {
      multiply();
    } else if (!stage_.needs_each.empty()) {
      follow(stage_.needs_each[next++]);
    } else {
      made_.table.add_row({});
    }
    for (; next < stage_.needs_each.size(); ++next) match(stage_.needs_each[next]);
    for (const std::size_t needed : stage_.needs) {
      made_.links.push_back({.kind = StageLink::Kind::kAll, .stage = needed});
    }
    made_.table.count_repeats();
    return std::move(made_);
  }

 private:
  // One factor of the product: tables in step.
  struct Factor {
    std::vector<const ItemTable*> tables;
    std::vector<std::size_t> stages;  // kNoStage: of a table that is no stage's
    std::uint32_t rows = 0;
  };

  [[noreturn]] void fail(FilePosition at, const std::string& what) const {
    throw Error(file_.place(at) + "stage " + term_safe(stage_.name) + ": " + what);
  }

  const ItemTable& table_of(std::size_t stage) const { return items_[stage]->table; }

  Factor read(const LinkedSources& sources) {
    Factor factor;
    for (const ForeachSource& source : sources) {
      if (source.kind == ForeachSource::Kind::kStage) {
        factor.tables.push_back(&table_of(source.stage));
        factor.stages.push_back(source.stage);
      } else {
        read_.push_back(read_items(file_, source, stage_.shell, pool_));
        factor.tables.push_back(&read_.back());
        factor.stages.push_back(kNoStage);
      }
      const std::uint32_t rows = factor.tables.back()->rows();
      if (factor.tables.size() > 1 && rows != factor.rows) {
        fail(source.at, "what is linked must have equally many items, but here is one with " +
                            count_of(rows) + " beside one with " + count_of(factor.rows));
      }
      factor.rows = rows;
    }
    return factor;
  }

  void multiply() {
    std::vector<Factor> factors;
    std::vector<std::string> columns;
    std::vector<std::size_t> label;
    for (const LinkedSources& sources : stage_.foreach) {
      factors.push_back(read(sources));
      for (const ItemTable* const table : factors.back().tables) {
        for (const std::size_t column : table->label_columns()) {
          label.push_back(columns.size() + column);
        }
        for (const std::string& name : table->columns()) {
          if (!name.empty() && std::find(columns.begin(), columns.end(), name) != columns.end()) {
            fail(sources.front().at, "two sources have a column " + term_safe(name));
          }
          columns.push_back(name);
        }
      }
    }
    made_.table = ItemTable(pool_, std::move(columns));
    made_.table.set_label_columns(std::move(label));
    begin_links(factors);
    for (const Factor& factor : factors) {
      if (factor.rows == 0) return finish_links();
    }
    std::vector<std::uint32_t> rows(factors.size());
    do {
      add_product(factors, rows);
    } while (step(factors, &rows));
    finish_links();
  }

  void begin_links(const std::vector<Factor>& factors) {
    for (const Factor& factor : factors) {
      for (const std::size_t stage : factor.stages) {
        if (stage == kNoStage) continue;
        const bool is_whole = factors.size() == 1;
        made_.links.push_back(
            {.kind = is_whole ? StageLink::Kind::kSame : StageLink::Kind::kRows, .stage = stage});
      }
    }
  }

  void add_product(const std::vector<Factor>& factors, const std::vector<std::uint32_t>& rows) {
    ids_.clear();
    std::size_t link = 0;
    for (std::size_t i = 0; i < factors.size(); ++i) {
      for (std::size_t k = 0; k < factors[i].tables.size(); ++k) {
        const ItemTable& table = *factors[i].tables[k];
        for (std::size_t column = 0; column < table.columns().size(); ++column) {
          ids_.push_back(table.id(rows[i], column));
        }
        if (factors[i].stages[k] == kNoStage) continue;
        StageLink& made = made_.links[link++];
        if (made.kind != StageLink::Kind::kRows) continue;
        made.begins.push_back(static_cast<std::uint32_t>(made.rows.size()));
        made.rows.push_back(rows[i]);
      }
    }
    made_.table.add_row_of_ids(ids_);
  }

  void finish_links() {
    for (StageLink& link : made_.links) {
      if (link.kind == StageLink::Kind::kRows) {
        link.begins.push_back(static_cast<std::uint32_t>(link.rows.size()));
      }
    }
  }

  // The last varies fastest. False: it was the last row.
  static bool step(const std::vector<Factor>& factors, std::vector<std::uint32_t>* rows) {
    for (std::size_t i = factors.size(); i-- > 0;) {
      if (++(*rows)[i] < factors[i].rows) return true;
      (*rows)[i] = 0;
    }
    return false;
  }

  std::vector<std::size_t> find_columns(const ItemTable& table, const NeedsEach& needs,
                                        const std::string& of) const {
    std::vector<std::size_t> columns;
    for (const std::string& name : needs.by) {
      const std::optional<std::size_t> column = table.find_column(name);
      if (!column) fail(needs.at, of + " has no column " + term_safe(name) + " to go by");
      columns.push_back(*column);
    }
    return columns;
  }

  std::string shown(std::size_t stage) const {
    return "stage " + term_safe(file_.stages[stage].name);
  }

  // The items are those of another stage, or groups of them.
  void follow(const NeedsEach& needs) {
    const ItemTable& other = table_of(needs.stage);
    if (needs.by.empty()) {
      made_.table = other;
      made_.links.push_back({.kind = StageLink::Kind::kSame, .stage = needs.stage});
      return;
    }
    const std::vector<std::size_t> columns = find_columns(other, needs, shown(needs.stage));
    made_.table = ItemTable(pool_, needs.by);
    StageLink link{.kind = StageLink::Kind::kRows, .stage = needs.stage};
    const RowGroups groups(other, columns);
    for (const std::vector<std::uint32_t>& group : groups.all()) {
      ids_.clear();
      for (const std::size_t column : columns) ids_.push_back(other.id(group.front(), column));
      made_.table.add_row_of_ids(ids_);
      add_group(group, &link);
    }
    link.begins.push_back(static_cast<std::uint32_t>(link.rows.size()));
    made_.links.push_back(std::move(link));
  }

  static void add_group(const std::vector<std::uint32_t>& group, StageLink* link) {
    link->begins.push_back(static_cast<std::uint32_t>(link->rows.size()));
    link->rows.insert(link->rows.end(), group.begin(), group.end());
  }

  // The items are there already: each finds those that it needs.
  void match(const NeedsEach& needs) {
    const ItemTable& own = made_.table;
    const ItemTable& other = table_of(needs.stage);
    if (needs.by.empty()) {
      if (own.rows() != other.rows()) {
        fail(needs.at, "it has " + count_of(own.rows()) + ", but " + shown(needs.stage) + " has " +
                           count_of(other.rows()) +
                           ": say by which column they belong together (by = \"NAME\")");
      }
      made_.links.push_back({.kind = StageLink::Kind::kSame, .stage = needs.stage});
      return;
    }
    const std::vector<std::size_t> own_columns = find_columns(own, needs, "it");
    const RowGroups groups(other, find_columns(other, needs, shown(needs.stage)));
    StageLink link{.kind = StageLink::Kind::kRows, .stage = needs.stage};
    for (std::uint32_t row = 0; row < own.rows(); ++row) {
      const std::vector<std::uint32_t>* const group = groups.find(own, own_columns, row);
      if (group == nullptr) {
        fail(needs.at, "for its item " + term_safe(own.label(row)) + " there is none in " +
                           shown(needs.stage) + " with the same " + term_safe(needs.by.front()) +
                           (needs.by.size() > 1 ? " and so on" : ""));
      }
      add_group(*group, &link);
    }
    link.begins.push_back(static_cast<std::uint32_t>(link.rows.size()));
    made_.links.push_back(std::move(link));
  }

  const PipelineFile& file_;
  const PipelineStage& stage_;
  const std::vector<std::optional<StageItems>>& items_;
  const std::shared_ptr<TextPool>& pool_;
  std::deque<ItemTable> read_;
  std::vector<std::uint32_t> ids_;
  StageItems made_{.table = ItemTable(pool_, {}), .links = {}};
};

}  // namespace

PipelineItems::PipelineItems(const PipelineFile& file)
    : file_(file), pool_(std::make_shared<TextPool>()), items_(file.stages.size()) {}

std::vector<std::size_t> PipelineItems::iterated_over(std::size_t stage) const {
  std::vector<std::size_t> stages;
  const auto add = [&stages](std::size_t other) {
    if (std::find(stages.begin(), stages.end(), other) == stages.end()) stages.push_back(other);
  };
  for (const LinkedSources& sources : file_.stages[stage].foreach) {
    for (const ForeachSource& source : sources) {
      if (source.kind == ForeachSource::Kind::kStage) add(source.stage);
    }
  }
  for (const NeedsEach& needs : file_.stages[stage].needs_each) add(needs.stage);
  return stages;
}

void PipelineItems::expand(std::size_t stage) {
  items_[stage] = Expansion(file_, stage, items_, pool_).run();
}

}  // namespace enjoin
