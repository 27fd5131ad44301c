#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "runner/cli/flag_table.h"
#include "runner/cli/help.h"
#include "runner/cli/man_text.h"
#include "runner/cli/run_options.h"

// The texts use a small markup, turned into man(7) macros here: a line `# X` begins a section and
// `## X` a part of one; a paragraph that begins with `- X: ` is a tagged one; lines that begin with
// four blanks are an example, printed as they are; `x` is bold; an empty line ends a paragraph.

namespace enjoin {
namespace {

/// `text` with what roff would read as its own made harmless. Text between backquotes is bold.
std::string inline_roff(std::string_view text) {
  std::string roff;
  bool bold = false;
  for (const char byte : text) {
    switch (byte) {
      case '\\':
        roff += "\\e";
        break;
      case '-':
        roff += "\\-";
        break;
      case '\'':
        roff += "\\(aq";
        break;
      case '^':
        roff += "\\(ha";
        break;
      case '~':
        roff += "\\(ti";
        break;
      case '`':
        bold = !bold;
        roff += bold ? "\\fB" : "\\fR";
        break;
      default:
        roff += byte;
    }
  }
  return roff;
}

/// One line of running text: a dot at its beginning would be a macro.
std::string text_line(std::string_view line) {
  const std::string roff = inline_roff(line);
  return (roff.starts_with('.') ? "\\&" : "") + roff + "\n";
}

/// Turns marked-up text into roff, line by line.
class Formatter {
 public:
  std::string run(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size() - 1);
      take_line(text.substr(0, end + (text[end] == '\n' ? 0 : 1)));
      text.remove_prefix(end + 1);
    }
    leave_example();
    return std::move(roff_);
  }

 private:
  void take_line(std::string_view line) {
    if (line.starts_with("    ")) {
      take_example(line.substr(4));
      return;
    }
    leave_example();
    if (line.empty()) {
      fresh_ = true;
    } else if (line.starts_with("## ")) {
      heading(".SS", line.substr(3));
    } else if (line.starts_with("# ")) {
      heading(".SH", line.substr(2));
    } else {
      take_text(line);
    }
  }

  void heading(std::string_view macro, std::string_view title) {
    roff_ += fmt::format("{} \"{}\"\n", macro, inline_roff(title));
    fresh_ = false;
    tagged_ = false;
  }

  void take_example(std::string_view line) {
    if (!in_example_) roff_ += fmt::format(".PP\n.RS{}\n.nf\n", tagged_ ? "" : " 4");
    in_example_ = true;
    roff_ += text_line(line);
  }

  void leave_example() {
    if (!in_example_) return;
    roff_ += ".fi\n.RE\n";
    in_example_ = false;
  }

  void take_text(std::string_view line) {
    if (line.starts_with("- ")) {
      const std::size_t colon = line.find(": ");
      roff_ += ".TP\n" + text_line(line.substr(2, colon - 2));
      line.remove_prefix(colon + 2);
      tagged_ = true;
    } else if (fresh_) {
      roff_ += ".PP\n";
      tagged_ = false;
    }
    fresh_ = false;
    roff_ += text_line(line);
  }

  std::string roff_;
  bool fresh_ = false;  // a paragraph ended before this line
  bool tagged_ = false;
  bool in_example_ = false;
};

/// "-j, -P N, --jobs=N, --max-procs=N", marked up.
std::string flag_title(const Flag& flag) {
  std::string title;
  const auto separate = [&] {
    if (!title.empty()) title += ", ";
  };
  for (const char letter : flag.letters) {
    separate();
    title += fmt::format("`-{}`", letter);
    if (flag.argument == Flag::Argument::kRequired) title += fmt::format(" {}", flag.metavar);
    if (flag.takes_optional() && flag.argument != Flag::Argument::kOptional)
      title += fmt::format("[{}]", flag.metavar);
  }
  for_each_name(flag, [&](std::string_view name) {
    separate();
    title += fmt::format("`--{}`", name);
    if (flag.argument == Flag::Argument::kRequired) title += fmt::format("={}", flag.metavar);
    if (flag.takes_optional()) title += fmt::format("[={}]", flag.metavar);
  });
  return title;
}

/// The options of a table, by group, `level` being the macro of the groups' titles.
std::string option_list(std::span<const Flag> flags, std::string_view level) {
  std::string roff;
  const Flag* last = nullptr;
  for (const Flag& flag : flags) {
    if (flag.standing != Flag::Standing::kHere) continue;
    if (last == nullptr || last->group != flag.group)
      roff += fmt::format("{} \"{}\"\n", level, group_title(flag.group));
    last = &flag;
    roff += ".TP\n" + text_line(flag_title(flag)) + text_line(flag.text);
  }
  return roff;
}

std::string options_section() {
  return ".SH \"OPTIONS\"\n" + Formatter().run(kManOptionsIntro) + option_list(all_flags(), ".SS");
}

/// The options of GNU parallel that are named but missing, as the table has them.
std::string missing_options(Flag::Standing standing) {
  std::string names;
  for (const Flag& flag : all_flags())
    if (flag.standing == standing && flag.name != "then")
      names += fmt::format("{}`{}`", names.empty() ? "" : ", ", flag.spelling());
  return names;
}

std::string missing_section() {
  return Formatter().run(
      fmt::format("## Options that are refused\nEach says what to do instead, for enjoin runs jobs "
                  "on one machine and fills no database: {}.\n",
                  missing_options(Flag::Standing::kRefused)));
}

}  // namespace

std::string man_page() {
  return fmt::format(".TH ENJOIN 1 \"\" \"enjoin {}\" \"User Commands\"\n", ENJOIN_VERSION) +
         Formatter().run(kManBeforeOptions) + options_section() +
         Formatter().run(kManAfterOptions) + missing_section() + Formatter().run(kManEnd);
}

std::string run_man_page() {
  return fmt::format(".TH ENJOIN\\-RUN 1 \"\" \"enjoin {}\" \"User Commands\"\n", ENJOIN_VERSION) +
         Formatter().run(kManRunBeforeOptions) + ".SH \"OPTIONS OF RUN AND RESUME\"\n" +
         Formatter().run(kManRunOptionsIntro) + option_list(run_flags(), ".SS") +
         ".SH \"OPTIONS OF REPORT\"\n" + option_list(report_flags(), ".SS") +
         Formatter().run(kManRunEnd);
}

}  // namespace enjoin
