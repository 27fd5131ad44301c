#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace enjoin {

/// Everything that is known about one option. From the table of these come the parser, --help, the
/// man page and the shells' completions. An option is added in one of flags_*.cc, and in one of
/// option_setters_*.cc what is done with its value; nowhere else.
struct Flag {
  enum class Argument : std::uint8_t {
    kNone,
    kRequired,
    kOptional,        ///< only as --name=VALUE, so that it cannot take the command's first word
    kOptionalWord,    ///< also the next word, where that is no option (as GNU parallel)
    kOptionalNumber,  ///< also the next word, or the rest of this one, where that is a number
  };
  enum class Group : std::uint8_t {
    kGraph,
    kInput,
    kCommand,
    kReplacement,
    kRunning,
    kAdmission,
    kOutput,
    kRecords,
    kProgress,
    kPipe,
    kSemaphore,
    kInfo,
    kCompat
  };
  enum class Standing : std::uint8_t {
    kHere,
    kNotYet,   ///< to come
    kRefused,  ///< GNU parallel's, and not to come: `instead` says what to do
  };

  std::string_view name = {};     ///< without dashes; empty where there is only a letter
  std::string_view aliases = {};  ///< other names, with blanks between
  std::string_view letters = {};  ///< "jP": -j and -P
  Argument argument = Argument::kNone;
  std::string_view metavar = {};
  Group group = Group::kInput;
  std::string_view brief = {};  ///< a few words for the first screen of --help; empty: not there
  /// What it does. The first sentence is the summary. `x` marks what is typed as it is; an empty
  /// line begins a new paragraph.
  std::string_view text = {};
  bool whole_only = false;       ///< ours, and its beginnings mean an option of GNU parallel's
  std::string_view values = {};  ///< for completion: words, or "FILE"
  Standing standing = Standing::kHere;
  std::string_view instead = {};

  /// The name by which the value is stored: the long name, or the letter where there is none.
  std::string_view key() const { return name.empty() ? letters : name; }
  bool takes_optional() const {
    return argument != Argument::kNone && argument != Argument::kRequired;
  }
  /// "--jobs", or "-X" where there is no name.
  std::string spelling() const;
  /// The first sentence of the text, without its marks and its full stop.
  std::string summary() const;
};

/// All options, in the order of the man page.
std::span<const Flag> all_flags();

/// By letter; null where there is none.
const Flag* find_letter(char letter);
/// By its exact long name or alias; null where there is none.
const Flag* find_name(std::string_view name);

/// Calls `visit(name)` for each long name of `flag`, its own first.
template <typename Visit>
void for_each_name(const Flag& flag, Visit visit) {
  if (!flag.name.empty()) visit(flag.name);
  for (std::string_view rest = flag.aliases; !rest.empty();) {
    const std::size_t blank = rest.find(' ');
    visit(rest.substr(0, blank));
    rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
  }
}

/// The title of a group, as in "Output".
std::string_view group_title(Flag::Group group);

}  // namespace enjoin
