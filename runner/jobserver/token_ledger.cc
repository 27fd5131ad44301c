#include "runner/jobserver/token_ledger.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace enjoin {

std::uint32_t TokenLedger::free() const {
  const std::size_t used = jobs_.size() + out_;
  return used >= slots_ ? 0 : slots_ - static_cast<std::uint32_t>(used);
}

bool TokenLedger::try_begin(JobKey job) {
  if (free() == 0) return false;
  return jobs_.try_emplace(job).second;
}

void TokenLedger::end(JobKey job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  out_ -= found->second.granted;
  jobs_.erase(found);
}

std::uint32_t TokenLedger::granted(JobKey job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? 0 : found->second.granted;
}

std::uint32_t TokenLedger::see(JobKey job, std::uint32_t unused) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return unused;
  Holder& holder = found->second;
  const std::uint32_t own = std::min(unused, holder.granted);
  if (own != holder.unused) stirred_ = true;
  holder.takes = holder.takes || own < holder.granted;
  holder.unused = own;
  return unused - own;
}

bool TokenLedger::take_stirred() {
  return std::exchange(stirred_, false);
}

TokenLedger::Jobs::iterator TokenLedger::richest() {
  return std::max_element(jobs_.begin(), jobs_.end(), [](const auto& a, const auto& b) {
    return a.second.unused < b.second.unused;
  });
}

// Who has the least to take; of those, who is known to take; of those, who has least; and then who
// has waited longest.
TokenLedger::Jobs::iterator TokenLedger::neediest() {
  return std::min_element(jobs_.begin(), jobs_.end(), [](const auto& a, const auto& b) {
    const auto rank = [](const Holder& holder) {
      return std::tuple(holder.unused, !holder.takes, holder.granted, holder.offered);
    };
    return rank(a.second) < rank(b.second);
  });
}

bool TokenLedger::is_uneven() const {
  bool has_poor = false;
  bool has_rich = false;
  for (const auto& [key, holder] : jobs_) {
    has_poor = has_poor || holder.unused == 0;
    has_rich = has_rich || holder.unused > 0;
  }
  return has_poor && has_rich;
}

std::optional<TokenLedger::Move> TokenLedger::next_move(bool start_waits, bool patience_over) {
  if (jobs_.empty()) return std::nullopt;
  const auto rich = richest();
  const auto poor = neediest();
  if (start_waits) {
    if (free() > 0 || rich->second.unused == 0) return std::nullopt;
    return Move{rich->first, std::nullopt};
  }
  if (free() > 0) return Move{std::nullopt, poor->first};
  const std::uint32_t lead = rich->second.unused - poor->second.unused;
  if (lead >= 2 || (lead == 1 && poor->second.unused == 0 && patience_over)) {
    return Move{rich->first, poor->first};
  }
  return std::nullopt;
}

void TokenLedger::moved(const Move& move) {
  ++turn_;
  if (move.from) {
    Holder& from = jobs_.at(*move.from);
    --from.granted;
    --from.unused;
    --out_;
  }
  if (move.to) {
    Holder& to = jobs_.at(*move.to);
    ++to.granted;
    ++to.unused;
    ++out_;
    to.offered = turn_;
  }
}

}  // namespace enjoin
