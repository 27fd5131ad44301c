#include "runner/pipe/record_router.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace enjoin {
namespace {

/// FNV-1a. What matters is that it does not change from run to run.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return value ^ (value >> 32);
}

std::string_view take_line(std::string_view* text) {
  const std::size_t size = std::min(text->find('\n'), text->size() - 1) + 1;
  const std::string_view line = text->substr(0, size);
  text->remove_prefix(size);
  return line;
}

}  // namespace

RecordRouter::RecordRouter(const PipeSpec& pipe, const InputSpec& input, std::uint32_t jobs)
    : key_(pipe.bin.empty() ? KeyColumn(pipe.shard, "--shard", input)
                            : KeyColumn(pipe.bin, "--bin", input)),
      by_number_(!pipe.bin.empty()),
      jobs_(jobs),
      header_pending_(key_.is_named()) {}

void RecordRouter::route(std::string_view block, std::span<std::string> parts) {
  if (header_pending_ && !block.empty()) {
    key_.set_header(take_line(&block));
    header_pending_ = false;
  }
  while (!block.empty()) {
    lines_.clear();
    while (!block.empty() && lines_.size() < key_.batch()) lines_.push_back(take_line(&block));
    key_.keys(lines_, &keys_);
    for (std::size_t i = 0; i < lines_.size(); ++i) parts[job_of(keys_[i])].append(lines_[i]);
  }
}

std::size_t RecordRouter::job_of(const std::string& key) const {
  if (!by_number_) return static_cast<std::size_t>(hash(key) % jobs_);
  // What is no number counts as 0, as in Perl.
  const double number = std::trunc(std::strtod(key.c_str(), nullptr));
  if (!std::isfinite(number)) return jobs_ - 1;
  const double rest = std::fmod(number - 1, jobs_);
  return static_cast<std::size_t>(rest < 0 ? rest + jobs_ : rest);
}

}  // namespace enjoin
