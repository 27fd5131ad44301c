#include <algorithm>
#include <utility>

#include "worker/template_plan.h"

namespace enjoin {
namespace {

using Kind = Piece::Kind;

/// See find_contexts.
class ContextFinder {
 public:
  explicit ContextFinder(TemplatePlan* plan) : plan_(plan), source_(std::move(plan->pieces)) {
    plan_->pieces.clear();
  }

  void run() {
    for (const Piece& piece : source_) {
      if (piece.kind == Kind::kLiteral) {
        take_literal(piece);
      } else if (piece.kind == Kind::kWordEnd) {
        end_run();
        add(piece);
      } else {
        run_.push_back(piece);
      }
    }
    end_run();
    end_group(false);
  }

 private:
  void take_literal(Piece literal) {
    const std::uint32_t end = literal.begin + literal.size;
    for (std::uint32_t at = literal.begin; at < end; ++at) {
      const char c = plan_->literals[at];
      const Piece one{.begin = at, .size = 1};
      if (c == ' ' || c == '\t') {
        end_run();
        add(one);
      } else {
        run_.push_back(one);
      }
    }
  }

  void end_run() {
    if (std::any_of(run_.begin(), run_.end(), [](const Piece& p) { return p.is_all_values(); })) {
      const bool takes_tab = drop_final_tab();
      end_group(false);
      if (takes_tab) add({.begin = tab_at_, .size = 1});
      for (const Piece& piece : run_) add(piece);
      end_group(true);
    } else {
      for (const Piece& piece : run_) add(piece);
    }
    run_.clear();
  }

  bool drop_final_tab() {
    if (plan_->pieces.size() == group_begin_) return false;
    Piece& last = plan_->pieces.back();
    if (last.kind != Kind::kLiteral) return false;
    tab_at_ = last.begin + last.size - 1;
    if (plan_->literals[tab_at_] != '\t') return false;
    if (--last.size == 0) plan_->pieces.pop_back();
    return true;
  }

  void add(const Piece& piece) {
    std::vector<Piece>& pieces = plan_->pieces;
    if (piece.kind == Kind::kLiteral && pieces.size() > group_begin_) {
      Piece& last = pieces.back();
      if (last.kind == Kind::kLiteral && last.begin + last.size == piece.begin) {
        last.size += piece.size;
        return;
      }
    }
    pieces.push_back(piece);
  }

  void end_group(bool repeated) {
    const auto end = static_cast<std::uint32_t>(plan_->pieces.size());
    if (end != group_begin_) {
      plan_->groups.push_back({.begin = group_begin_, .end = end, .repeated = repeated});
    }
    group_begin_ = end;
  }

  TemplatePlan* plan_;
  const std::vector<Piece> source_;
  std::vector<Piece> run_;
  std::uint32_t group_begin_ = 0;
  std::uint32_t tab_at_ = 0;
};

}  // namespace

void find_contexts(TemplatePlan* plan) {
  ContextFinder(plan).run();
}

}  // namespace enjoin
