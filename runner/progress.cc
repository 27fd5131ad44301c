#include "runner/progress.h"

#include <algorithm>

#include <fmt/format.h>

#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kBarColumns = 20;

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

double rate_of(const ProgressSnapshot& now) {
  if (now.recent_rate > 0) return now.recent_rate;
  return now.elapsed.count() > 0 ? static_cast<double>(now.done) / seconds(now.elapsed) : 0;
}

std::string estimate(const ProgressSnapshot& now) {
  if (now.total_is_final && now.done >= now.total) return "0s";
  const double rate = rate_of(now);
  if (!now.total_is_final || now.done == 0 || rate <= 0) return "?";
  // Not beyond a century: the duration has to fit its type.
  const double left = std::min(static_cast<double>(now.total - now.done) / rate, 3e9);
  return short_duration(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(left)));
}

std::string done_of_total(const ProgressSnapshot& now) {
  return fmt::format("{}/{}{}", now.done, now.total, now.total_is_final ? "" : "+");
}

std::string rate_text(const ProgressSnapshot& now) {
  const double rate = rate_of(now);
  return rate < 100 ? fmt::format("{:.1f}/s", rate) : fmt::format("{:.0f}/s", rate);
}

std::string average_text(const ProgressSnapshot& now) {
  const double average = seconds(now.average_runtime);
  if (average <= 0) return "?";
  if (average < 0.1) return fmt::format("{:.1f}ms", average * 1000);
  return average < 60 ? fmt::format("{:.2f}s", average) : short_duration(now.average_runtime);
}

std::string bar(const ProgressSnapshot& now) {
  if (!now.total_is_final) return done_of_total(now) + " done  " + rate_text(now);
  const double part =
      now.total == 0
          ? 1.0
          : std::min(1.0, static_cast<double>(now.done) / static_cast<double>(now.total));
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(kBarColumns));
  const bool is_over = now.done >= now.total;
  return fmt::format("[{:#>{}}{:.>{}}] {:3}%  {}  {} {}", "", filled, "", kBarColumns - filled,
                     static_cast<int>(part * 100), done_of_total(now), is_over ? "in" : "ETA",
                     is_over ? short_duration(now.elapsed) : estimate(now));
}

std::string main_text(ProgressKind kind, const ProgressSnapshot& now) {
  const std::uint64_t left = now.total - std::min(now.done, now.total);
  switch (kind) {
    case ProgressKind::kNone:
      return {};
    case ProgressKind::kProgress:
      return fmt::format("{} running  {} done  {}", now.running, done_of_total(now),
                         rate_text(now));
    case ProgressKind::kEta:
      return fmt::format("ETA {}  left {}{}  average {}  {} running  {} done", estimate(now), left,
                         now.total_is_final ? "" : "+", average_text(now), now.running,
                         done_of_total(now));
    case ProgressKind::kBar:
      return bar(now);
  }
  return {};
}

}  // namespace

std::string progress_line(ProgressKind kind, const ProgressSnapshot& now,
                          const ProgressStyle& style) {
  std::string line = main_text(kind, now);
  const std::size_t failed_at = line.size();
  if (now.failed > 0) line += fmt::format("  {} failed", now.failed);
  const std::size_t failed_end = line.size();
  if (kind == ProgressKind::kBar && !now.latest.empty()) {
    line += "  ";
    // A latest job of a megabyte is cut before it is looked at closely.
    append_term_safe(now.latest.substr(0, style.columns * 4), &line);
  }
  line.resize(term_prefix(line, style.columns).size());
  if (style.colour && now.failed > 0 && line.size() >= failed_end) {
    line.insert(failed_end, "\x1b[0m");
    line.insert(failed_at, "\x1b[31m");
  }
  return line;
}

std::string short_duration(std::chrono::nanoseconds duration) {
  const auto total =
      std::max<std::int64_t>(std::chrono::round<std::chrono::seconds>(duration).count(), 0);
  if (total < 60) return fmt::format("{}s", total);
  if (total < 3600) return fmt::format("{}m{:02}s", total / 60, total % 60);
  if (total < 86400) return fmt::format("{}h{:02}m", total / 3600, total / 60 % 60);
  return fmt::format("{}d{:02}h", total / 86400, total / 3600 % 24);
}

void RateMeter::add(TimePoint now, std::uint64_t done) {
  latest_ = {now, done};
  if (count_ > 0 && now - ring_[(count_ - 1) % kSamples].at < kApart) return;
  ring_[count_ % kSamples] = latest_;
  ++count_;
}

double RateMeter::rate() const {
  if (count_ == 0) return 0;
  const Sample& oldest = ring_[count_ <= kSamples ? 0 : count_ % kSamples];
  const double time = std::chrono::duration<double>(latest_.at - oldest.at).count();
  if (time <= 0 || latest_.done < oldest.done) return 0;
  return static_cast<double>(latest_.done - oldest.done) / time;
}

}  // namespace enjoin
