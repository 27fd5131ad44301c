#include "runner/cli/tokenizer.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "runner/cli/options.h"
#include "runner/near_word.h"

// Why Program_options does not do this: it looks for options in every word up to the end, so that
// `-j4 echo -v hi` loses its -v and `-j4 gcc -c x.c` is an error; its own `--` would have to be
// written each time. It also refuses `--tagstring=`.

namespace enjoin {
namespace {

constexpr std::string_view kReserved[] = {"run", "resume", "report", "stress", "top"};

/// The known name nearest to `name`, as far as one may guess; empty where none is near. Options
/// that enjoin has are preferred to those that it only knows of.
std::string_view nearest_name(std::string_view name) {
  if (name.size() > 40) return {};
  std::string_view nearest;
  std::size_t least = 2 * std::max<std::size_t>(1, std::min<std::size_t>(3, name.size() / 3)) + 2;
  for (const Flag& flag : all_flags()) {
    const std::size_t handicap = flag.standing == Flag::Standing::kHere ? 0 : 1;
    for_each_name(flag, [&](std::string_view known) {
      const std::size_t distance = 2 * edit_distance(name, known) + handicap;
      if (distance >= least) return;
      least = distance;
      nearest = known;
    });
  }
  return nearest;
}

[[noreturn]] void throw_unknown_name(std::string_view name) {
  const std::string_view nearest = nearest_name(name);
  if (nearest.empty())
    throw UsageError(fmt::format("unknown option --{}; enjoin --help=all lists all options", name));
  throw UsageError(fmt::format("unknown option --{}; did you mean --{}?", name, nearest));
}

[[noreturn]] void throw_unknown_letter(char letter, std::string_view word) {
  std::string message = fmt::format("unknown option -{}", letter);
  if (word.size() > 2) message += fmt::format(" in {}", word);
  const std::string_view name = word.substr(1, word.find('=') - 1);
  if (name.size() > 2 && find_name(name) != nullptr) {
    message += fmt::format("; did you mean -{}?", word);
  } else {
    message += "; the command's own options come after its first word (enjoin --help=all)";
  }
  throw UsageError(message);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& byte : lower)
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
  return lower;
}

/// By its long name, in capitals or not, or an unambiguous beginning of it; or, as under GNU
/// parallel, by its letter.
const Flag* resolve_name(std::string_view given) {
  const std::string name = lower_case(given);
  if (const Flag* exact = find_name(name)) return exact;
  if (given.size() == 1) {
    if (const Flag* flag = find_letter(given[0])) return flag;
    if (const Flag* flag = find_letter(name[0])) return flag;
  }
  std::vector<const Flag*> matches;
  for (const Flag& flag : all_flags()) {
    if (flag.whole_only) continue;
    bool begins = false;
    for_each_name(flag, [&](std::string_view own) { begins = begins || own.starts_with(name); });
    if (begins) matches.push_back(&flag);
  }
  if (matches.empty() || name.empty()) throw_unknown_name(name);
  if (matches.size() == 1) return matches.front();
  std::string message = fmt::format("--{} may be", name);
  for (std::size_t i = 0; i < matches.size() && i < 6; ++i)
    message += fmt::format("{} {}", i == 0 ? "" : ",", matches[i]->spelling());
  throw UsageError(message + (matches.size() > 6 ? " or others" : "") + ": write more of it");
}

void check_standing(const Flag& flag, const std::string& given) {
  const std::string instead = flag.instead.empty() ? "" : "; " + std::string(flag.instead);
  if (flag.standing == Flag::Standing::kNotYet)
    throw UsageError(fmt::format("{} is not in enjoin yet{}", given, instead));
  if (flag.standing == Flag::Standing::kRefused)
    throw UsageError(fmt::format("{} is not in enjoin{}", given, instead));
}

bool is_number(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789.");
  const std::string_view suffix = text.substr(std::min(digits, text.size()));
  return digits > 0 && !text.empty() &&
         (suffix.empty() || (suffix.size() == 1 &&
                             std::string_view("kKmMgG").find(suffix[0]) != std::string_view::npos));
}

/// Walks over the words of a command line, or of a profile. One object each.
class Tokenizer {
 public:
  Tokenizer(const std::string& program, const std::vector<std::string>& args, CommandLine line,
            std::uint32_t layer, Stage stage)
      : as_parallel_(program == "parallel"),
        stage_(stage),
        args_(args),
        line_(std::move(line)),
        layer_(layer) {
    line_.is_semaphore = line_.is_semaphore || program == "sem";
    for (const OptionToken& token : line_.options) note_separator(token);
  }

  CommandLine run() {
    check_first_word();
    take_options();
    take_command();
    while (at_ < args_.size() && !is_then(args_[at_])) take_source();
    if (at_ < args_.size()) {
      line_.then.emplace(args_.begin() + static_cast<std::ptrdiff_t>(at_) + 1, args_.end());
    }
    return std::move(line_);
  }

  CommandLine run_profile() {
    take_options();
    line_.command.insert(line_.command.end(), args_.begin() + static_cast<std::ptrdiff_t>(at_),
                         args_.end());
    return std::move(line_);
  }

 private:
  void check_first_word() {
    if (as_parallel_ || line_.is_semaphore || args_.empty() || stage_ == Stage::kLater) return;
    const std::string& word = args_.front();
    if (word == "sem") {
      line_.is_semaphore = true;
      ++at_;
      return;
    }
    if (std::find(std::begin(kReserved), std::end(kReserved), word) == std::end(kReserved)) return;
    throw_reserved(word);
  }

  void take_options() {
    while (at_ < args_.size()) {
      const std::string& word = args_[at_];
      if (word.size() < 2 || word[0] != '-' || is_then(word)) return;
      ++at_;
      if (word == "--") return;
      if (word[1] == '-') {
        take_long(word);
      } else {
        take_letters(word);
      }
    }
  }

  void take_long(const std::string& word) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string_view name = std::string_view(word).substr(2, equals - 2);
    if (as_parallel_ && name == "then") throw UsageError("unknown option --then");
    const Flag& flag = *resolve_name(name);
    check_standing(flag, flag.spelling());
    std::optional<std::string> value;
    if (equals < word.size()) value = word.substr(equals + 1);
    if (value && flag.argument == Flag::Argument::kNone)
      throw UsageError(
          fmt::format("{} takes no value, but '{}' is given", flag.spelling(), *value));
    if (!value) value = next_as_optional(flag);
    add(flag, flag.spelling(), std::move(value));
  }

  void take_letters(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const Flag* flag = find_letter(word[i]);
      if (flag == nullptr) throw_unknown_letter(word[i], word);
      const std::string given{'-', word[i]};
      check_standing(*flag, given);
      std::string rest = word.substr(i + 1);
      if (flag->argument == Flag::Argument::kNone || flag->argument == Flag::Argument::kOptional ||
          (flag->argument == Flag::Argument::kOptionalNumber && !rest.empty() &&
           !is_number(rest))) {
        add(*flag, given, std::nullopt);
        continue;
      }
      std::optional<std::string> value;
      if (!rest.empty()) {
        value = std::move(rest);
      } else {
        value = next_as_optional(*flag);
      }
      add(*flag, given, std::move(value));
      return;
    }
  }

  /// The next word, where it is an option's optional value.
  std::optional<std::string> next_as_optional(const Flag& flag) {
    if (at_ >= args_.size() || is_source_word(args_[at_])) return std::nullopt;
    const std::string& word = args_[at_];
    const bool is_value = flag.argument == Flag::Argument::kOptionalNumber ? is_number(word)
                          : flag.argument == Flag::Argument::kOptionalWord
                              ? !word.empty() && (word[0] != '-' || word.size() == 1)
                              : false;
    if (!is_value) return std::nullopt;
    ++at_;
    return word;
  }

  /// Takes the value from the next word where it is needed and not there yet.
  void add(const Flag& flag, const std::string& given, std::optional<std::string> value) {
    if (!value && flag.argument == Flag::Argument::kRequired) {
      const bool names_separator =
          flag.key() == "arg-sep" || flag.key() == "arg-file-sep" || flag.key() == "then-sep";
      if (at_ >= args_.size() || (is_ours(args_[at_]) && !names_separator))
        throw UsageError(fmt::format("{} needs a value: {} {}", given, given, flag.metavar));
      value = args_[at_++];
    }
    line_.options.push_back({&flag, value.value_or(""), value.has_value(), layer_});
    note_separator(line_.options.back());
  }

  void note_separator(const OptionToken& token) {
    if (token.flag->key() == "arg-sep") arguments_word_ = token.value;
    if (token.flag->key() == "arg-file-sep") files_word_ = token.value;
    if (token.flag->key() == "then-sep") then_word_ = token.value;
  }

  void take_command() {
    while (at_ < args_.size() && !is_ours(args_[at_])) line_.command.push_back(args_[at_++]);
  }

  void take_source() {
    std::string_view word = args_[at_++];
    SourceWords source;
    if (word != arguments_word_ && word != files_word_) {
      source.linked = true;
      word.remove_suffix(1);
    }
    source.kind =
        word == arguments_word_ ? SourceWords::Kind::kArguments : SourceWords::Kind::kFiles;
    while (at_ < args_.size() && !is_ours(args_[at_])) source.words.push_back(args_[at_++]);
    line_.sources.push_back(std::move(source));
  }

  /// `:::`, `::::`, or one of them with a `+`.
  bool is_source_word(std::string_view word) const {
    if (word == arguments_word_ || word == files_word_) return true;
    if (!word.ends_with('+')) return false;
    word.remove_suffix(1);
    return word == arguments_word_ || word == files_word_;
  }

  /// Whether a word after the options is ours.
  bool is_ours(std::string_view word) const { return is_source_word(word) || is_then(word); }

  /// Whether a word ends a stage.
  bool is_then(std::string_view word) const {
    return word == then_word_ && !as_parallel_ && !line_.is_semaphore;
  }

  bool as_parallel_;
  Stage stage_;
  const std::vector<std::string>& args_;
  std::size_t at_ = 0;
  CommandLine line_;
  std::uint32_t layer_;
  std::string arguments_word_ = ":::";
  std::string files_word_ = "::::";
  std::string then_word_ = "--then";
};

}  // namespace

void throw_reserved(std::string_view word) {
  throw UsageError(fmt::format(
      "'{0}' as the first word is a command of enjoin; to run a program of this name, write: "
      "enjoin -- {0} ... or ./{0}",
      word));
}

CommandLine tokenize(const std::string& program, const std::vector<std::string>& args,
                     const std::vector<std::vector<std::string>>& before, Stage stage,
                     const std::vector<OptionToken>& inherited) {
  CommandLine line;
  std::uint32_t layer = 0;
  for (const std::vector<std::string>& words : before)
    line = Tokenizer(program, words, std::move(line), layer++, stage).run_profile();
  for (OptionToken token : inherited) {
    token.layer = layer;
    line.options.push_back(std::move(token));
  }
  if (!inherited.empty()) ++layer;
  return Tokenizer(program, args, std::move(line), layer, stage).run();
}

}  // namespace enjoin
