// Feeds the template parser and both ways out of it, and the splitter of lines. Input: a byte of
// switches, a byte with the number of command words, then strings ended by NUL bytes: the
// replacement string, the command's words, the values. A word that begins with \x01 is a computed
// string's place instead, for the value whose position the next byte is.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "enjoin/error.h"
#include "worker/shell_words.h"
#include "worker/template.h"

namespace {

using Strings = std::vector<std::string>;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Reads a line that is known to be simple, by the rules of quoting only.
Strings plain_words(std::string_view line) {
  Strings words;
  std::optional<std::string> word;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool blank = c == ' ' || c == '\t';
    if (quote == 0 && blank) {
      if (word) words.push_back(*word);
      word.reset();
      continue;
    }
    if (!word) word.emplace();
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (c == '\\' && quote == 0) {
      *word += line[++i];
    } else if (c == '\\' && quote == '"' && i + 1 < line.size() &&
               std::string_view("$`\"\\").find(line[i + 1]) != std::string_view::npos) {
      *word += line[++i];
    } else {
      *word += c;
    }
  }
  if (word) words.push_back(*word);
  return words;
}

Strings split_at_nul(std::string_view text) {
  Strings parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('\0'));
    parts.emplace_back(part);
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return parts;
}

void check_job(const enjoin::Template& command, enjoin::Spread spread, const Strings& values,
               std::uint64_t seq) {
  const std::vector<std::string_view> views(values.begin(), values.end());
  // Each value's computed string is the value itself, or stands for nothing.
  Strings strings;
  for (const std::string& value : values) strings.push_back("q" + value);
  const std::vector<std::string_view> computed(strings.begin(), strings.end());
  const enjoin::JobInputs inputs{.values = views, .computed = computed};
  const enjoin::JobNumbers numbers{.seq = seq, .slot = 7};
  std::string line;
  command.expand_line(inputs, numbers, &line);
  const std::size_t length = command.base_length() + command.added_length(views, 20);
  // A position that -X repeats is measured once.
  require(line.size() <= length || values.empty() || spread == enjoin::Spread::kContext);

  enjoin::Argv argv;
  if (!command.expand_argv(inputs, numbers, "bash", &argv)) return;
  require(!argv.words.empty() && argv.words.back() == nullptr);
  argv.words.pop_back();
  require(Strings(argv.words.begin(), argv.words.end()) == plain_words(line));
  enjoin::may_exec_directly(argv.words, "zsh");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t switches = data[0];
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  Strings strings = split_at_nul(text);

  for (const std::string& line : strings) {
    if (const auto words = enjoin::split_simple_line(line)) require(*words == plain_words(line));
  }

  enjoin::TemplateSpec spec;
  spec.quote_words = (switches & 1) != 0;
  if ((switches & 2) != 0) spec.spread = enjoin::Spread::kContext;
  spec.append_if_absent = (switches & 4) == 0;
  spec.quote_values = (switches & 8) == 0;
  if ((switches & 16) != 0 && !strings.empty()) {
    spec.replace_string = strings.front();
    strings.erase(strings.begin());
  }
  spec.plus = (switches & 32) != 0;
  if ((switches & 64) != 0 && strings.size() > 1) {
    spec.renames.push_back({"{/}", strings.front()});
    strings.erase(strings.begin());
  }
  const auto words_end = strings.begin() + static_cast<std::ptrdiff_t>(
                                               std::min<std::size_t>(data[1] % 8, strings.size()));
  spec.words.assign(strings.begin(), words_end);
  for (std::string& word : spec.words) {
    if (!word.starts_with('\x01')) continue;
    // Of all values, or of a place among the computed strings: in bounds or not.
    const int place = word.size() > 1 ? word[1] % 4 : 0;
    spec.placed.push_back(
        {.position = place, .first = static_cast<std::uint32_t>(place == 0 ? 0 : place - 1)});
    word = std::string("x") + '\0' + std::to_string(spec.placed.size() - 1) + '\0' + "y";
  }
  const Strings values(words_end, strings.end());
  try {
    const enjoin::Template command = enjoin::Template::parse(spec);
    check_job(command, spec.spread, values, 1);
    check_job(command, spec.spread, {}, ~std::uint64_t{0});
    for (const std::string& value : values) check_job(command, spec.spread, {value}, 2);
  } catch (const enjoin::Error&) {
  }
  return 0;
}
