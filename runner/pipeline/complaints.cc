#include "runner/pipeline/complaints.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "enjoin/error.h"

namespace enjoin {
namespace {

constexpr std::size_t kMostShown = 50;

}  // namespace

void Complaints::add(FilePosition at, std::string_view text) {
  errors_.push_back({at, std::string(text)});
}

void Complaints::warn(FilePosition at, std::string_view text) {
  warnings_.push_back({at, std::string(text)});
}

std::vector<std::string> Complaints::lines_of(std::vector<Complaint>* complaints) const {
  const auto key = [](const Complaint& complaint) {
    return std::tie(complaint.at.line, complaint.at.column, complaint.text);
  };
  std::stable_sort(complaints->begin(), complaints->end(),
                   [&](const Complaint& a, const Complaint& b) { return key(a) < key(b); });
  std::vector<std::string> lines;
  for (const Complaint& complaint : *complaints) {
    // What [defaults] says is looked at once for each stage.
    std::string line = place_in(path_, complaint.at) + complaint.text;
    if (lines.empty() || lines.back() != line) lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> Complaints::warnings() {
  return lines_of(&warnings_);
}

void Complaints::throw_if_any() {
  if (errors_.empty()) return;
  const std::vector<std::string> lines = lines_of(&errors_);
  std::string text;
  for (std::size_t at = 0; at < lines.size() && at < kMostShown; ++at)
    text += (at == 0 ? "" : "\n") + lines[at];
  if (lines.size() > kMostShown) text += fmt::format("\nand {} more", lines.size() - kMostShown);
  throw Error(text);
}

std::string place_in(const std::string& path, FilePosition at) {
  if (at.line == 0) return path + ": ";
  return fmt::format("{}:{}:{}: ", path, at.line, at.column);
}

}  // namespace enjoin
