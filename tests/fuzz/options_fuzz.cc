// libFuzzer target: command lines, and the texts that options take as values. A command line is
// either understood or refused with a UsageError; nothing else may come out.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "enjoin/error.h"
#include "runner/cli/escapes.h"
#include "runner/cli/options.h"
#include "runner/cli/tokenizer.h"
#include "runner/halt.h"
#include "runner/units.h"

namespace {

/// The words of the input, which newlines end.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

void try_command_line(const std::string& program, const std::vector<std::string>& words) {
  try {
    const enjoin::Invocation invocation = enjoin::parse_command_line(program, words);
    if (invocation.action != enjoin::Invocation::Action::kRun) return;
    // What is ours and what is the command's add up to what was given, at most; but the first line
    // of a script is many words in one.
    const bool is_script =
        !words.empty() && (words[0].starts_with("--shebang") || words[0].starts_with("--hashbang"));
    if (!is_script && invocation.options.command.words.size() > words.size()) std::abort();
    if (invocation.options.input.delimiter.empty()) std::abort();
  } catch (const enjoin::UsageError&) {
    // Refused, as it should be.
  }
}

template <typename Parse>
void try_value(Parse parse) {
  try {
    parse();
  } catch (const enjoin::Error&) {
    // Refused, as it should be.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const std::vector<std::string> words = words_of(text);
  try_command_line("enjoin", words);
  try_command_line("parallel", words);
  for (const std::string& word : words) {
    try_value([&] { (void)enjoin::parse_duration(word, "--x"); });
    try_value([&] { (void)enjoin::parse_size(word, "--x"); });
    try_value([&] { (void)enjoin::parse_count(word, "--x", 0, 1000); });
    try_value([&] { (void)enjoin::parse_timeout(word); });
    try_value([&] { (void)enjoin::parse_limits(word); });
    try_value([&] { (void)enjoin::resolve_escapes(word, "--x"); });
    try_value([&] { (void)enjoin::halt_is_due(enjoin::parse_halt(word), {3, 4, 9, true}); });
  }
  return 0;
}
