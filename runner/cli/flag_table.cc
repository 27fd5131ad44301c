#include "runner/cli/flag_table.h"

#include <vector>

#include "runner/cli/flag_groups.h"

namespace enjoin {
namespace {

const std::vector<Flag>& table() {
  static const std::vector<Flag> flags = [] {
    std::vector<Flag> all;
    for (const std::span<const Flag> part :
         {input_flags(), command_flags(), running_flags(), admission_flags(), output_flags(),
          record_flags(), pipe_flags(), semaphore_flags(), info_flags(), compat_flags()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return flags;
}

}  // namespace

std::string Flag::spelling() const {
  return name.empty() ? "-" + std::string(letters.substr(0, 1)) : "--" + std::string(name);
}

std::string Flag::summary() const {
  std::string sentence(text.substr(0, text.find(". ")));
  std::erase(sentence, '`');
  if (sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

std::span<const Flag> all_flags() {
  return table();
}

const Flag* find_letter(char letter) {
  for (const Flag& flag : table())
    if (flag.letters.find(letter) != std::string_view::npos) return &flag;
  return nullptr;
}

const Flag* find_name(std::string_view name) {
  for (const Flag& flag : table()) {
    bool found = false;
    for_each_name(flag, [&](std::string_view own) { found = found || own == name; });
    if (found) return &flag;
  }
  return nullptr;
}

std::string_view group_title(Flag::Group group) {
  switch (group) {
    case Flag::Group::kGraph:
      return "What to run";
    case Flag::Group::kInput:
      return "Inputs";
    case Flag::Group::kCommand:
      return "The command";
    case Flag::Group::kReplacement:
      return "Replacement strings";
    case Flag::Group::kRunning:
      return "Running jobs";
    case Flag::Group::kAdmission:
      return "When jobs may start";
    case Flag::Group::kOutput:
      return "Output";
    case Flag::Group::kRecords:
      return "Records and results";
    case Flag::Group::kProgress:
      return "Progress";
    case Flag::Group::kPipe:
      return "Data on stdin";
    case Flag::Group::kSemaphore:
      return "Semaphores";
    case Flag::Group::kInfo:
      return "Information and settings";
    case Flag::Group::kCompat:
      return "Accepted from GNU parallel";
  }
  return "";
}

}  // namespace enjoin
