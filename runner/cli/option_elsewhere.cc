#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "runner/cli/option_draft.h"
#include "worker/shell_quote.h"

// Options that do not come from the command line: $PARALLEL, profiles, and a script's first line.

namespace enjoin {
namespace {

/// Cuts words one after the other.
class WordSplitter {
 public:
  WordSplitter(std::string_view text, std::string_view where) : rest_(text), where_(where) {}

  std::vector<std::string> run() {
    std::vector<std::string> words;
    for (;;) {
      skip_blanks();
      if (rest_.empty()) return words;
      words.push_back(take_word());
    }
  }

 private:
  static constexpr std::string_view kBlanks = " \t\n\r";

  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
  }

  char take_byte() {
    const char byte = rest_.front();
    rest_.remove_prefix(1);
    return byte;
  }

  std::string take_word() {
    std::string word;
    while (!rest_.empty() && kBlanks.find(rest_.front()) == std::string_view::npos) {
      const char byte = take_byte();
      if (byte == '\\') {
        if (!rest_.empty()) word += take_byte();
      } else if (byte == '\'' || byte == '"') {
        take_quoted(byte, &word);
      } else {
        word += byte;
      }
    }
    return word;
  }

  void take_quoted(char quote, std::string* word) {
    while (!rest_.empty()) {
      const char byte = take_byte();
      if (byte == quote) return;
      const bool escapes = quote == '"' && byte == '\\' && !rest_.empty();
      if (escapes && std::string_view("\"\\$`").find(rest_.front()) != std::string_view::npos) {
        *word += take_byte();
      } else {
        *word += byte;
      }
    }
    throw UsageError(fmt::format("{}: a quote ({}) is not closed", where_, quote));
  }

  std::string_view rest_;
  std::string_view where_;
};

std::optional<std::string> content_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    if (file && file.peek() == std::ifstream::traits_type::eof()) return "";
    return std::nullopt;
  }
  return std::move(content).str();
}

/// The words of a profile, without the lines that begin with #.
std::vector<std::string> profile_words(const std::string& content, const std::string& path) {
  std::string kept;
  for (std::string_view rest = content; !rest.empty();) {
    const std::size_t size = std::min(rest.find('\n'), rest.size() - 1) + 1;
    if (rest[0] != '#') kept += rest.substr(0, size);
    rest.remove_prefix(size);
  }
  return split_words(kept, path);
}

/// -J NAME: a path where it begins with / or ./, else in the folder of profiles.
std::vector<std::string> named_profile(const std::string& name, const std::string& folder) {
  if (name.empty()) throw UsageError("-J '': expected the name of a profile");
  const bool is_path = name.starts_with('/') || name.starts_with("./");
  const std::string path = is_path || folder.empty() ? name : folder + "/" + name;
  const std::optional<std::string> content = content_of(path);
  if (!content) throw UsageError(fmt::format("-J {}: cannot read {}", name, path));
  return profile_words(*content, path);
}

const char* environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

Elsewhere Elsewhere::of_process(const std::string& program) {
  Elsewhere elsewhere;
  elsewhere.variable = environment("PARALLEL");
  const std::string home = environment("HOME");
  elsewhere.profile_folder = environment("PARALLEL_HOME");
  if (elsewhere.profile_folder.empty() && !home.empty())
    elsewhere.profile_folder = home + "/.parallel";
  if (program == "parallel") {
    elsewhere.defaults.emplace_back("/etc/parallel/config");
    if (!elsewhere.profile_folder.empty())
      elsewhere.defaults.push_back(elsewhere.profile_folder + "/config");
  }
  return elsewhere;
}

std::vector<std::string> split_words(std::string_view text, std::string_view where) {
  return WordSplitter(text, where).run();
}

std::vector<std::vector<std::string>> words_from_elsewhere(const CommandLine& line,
                                                           const Elsewhere& elsewhere) {
  std::vector<std::vector<std::string>> layers;
  bool named = false;
  for (const OptionToken& token : line.options) {
    if (token.flag->key() == "plain") return {};
    if (token.flag->key() != "profile") continue;
    named = true;
    layers.push_back(named_profile(token.value, elsewhere.profile_folder));
  }
  if (!named) {
    for (const std::string& path : elsewhere.defaults)
      if (const auto content = content_of(path)) layers.push_back(profile_words(*content, path));
  }
  if (!elsewhere.variable.empty()) layers.push_back(split_words(elsewhere.variable, "$PARALLEL"));
  return layers;
}

std::vector<std::string> without_shebang(const std::vector<std::string>& args) {
  if (args.empty()) return args;
  std::vector<std::string> words;
  const auto begins = [&](std::string_view name) {
    return args[0] == name || args[0].starts_with(std::string(name) + " ");
  };
  const bool wraps = begins("--shebang-wrap");
  if (!wraps && !begins("--shebang") && !begins("--hashbang")) return args;
  // The kernel hands over all of the line's words as one, then the script, then its arguments.
  words = split_words(args[0], args[0]);
  words.erase(words.begin());
  if (args.size() < 2)
    throw UsageError(fmt::format("{} belongs on a script's first line", args[0]));
  if (wraps) {
    words.push_back(shell_quoted(args[1]));
    if (args.size() > 2) words.emplace_back(":::");
    words.insert(words.end(), args.begin() + 2, args.end());
    return words;
  }
  // `env -S` cuts the line into words: then the script is the last one.
  words.insert(words.end(), args.begin() + 1, args.end() - 1);
  std::vector<std::string> options{"--skip-first-line", "-a", args.back()};
  options.insert(options.end(), words.begin(), words.end());
  return options;
}

}  // namespace enjoin
