#include "runner/cli/flag_groups.h"

namespace enjoin {
namespace {

using Argument = Flag::Argument;
using Group = Flag::Group;

constexpr Flag renamed(std::string_view name, std::string_view aliases, std::string_view text) {
  return {.name = name,
          .aliases = aliases,
          .argument = Argument::kRequired,
          .metavar = "STR",
          .group = Group::kReplacement,
          .text = text};
}

constexpr Flag kFlags[] = {
    {.name = "max-args",
     .aliases = "maxargs",
     .letters = "n",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kCommand,
     .brief = "N inputs a job",
     .text = "Give each job up to `N` inputs. `{}` becomes all of them with blanks between; "
             "`{1}`, `{2}` are the first, the second. With 0, each input makes a job but none is "
             "inserted."},
    {.name = "max-replace-args",
     .aliases = "maxreplaceargs",
     .letters = "N",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kCommand,
     .text = "As `-n`, but the word around `{}` is repeated with each input, as with `-X`. `-N0` "
             "runs the command once for each input without inserting it. With `--pipe`, give each "
             "job `N` records."},
    {.letters = "X",
     .group = Group::kCommand,
     .brief = "as many inputs a job as fit on a line",
     .text = "Give each job as many inputs as fit on a command line (or as `-n` says), and repeat "
             "the word around `{}` for each: `img{}.png` becomes `img1.png img2.png`. At the end "
             "of the inputs the rest is shared out evenly over the jobs that run at once."},
    {.letters = "m",
     .group = Group::kCommand,
     .text = "As `-X`, but only `{}` itself is repeated: `a{}z` becomes `a1 2 3z`."},
    {.name = "xargs",
     .group = Group::kCommand,
     .text = "As `-m`, but the last inputs are not shared out over several jobs."},
    {.letters = "L",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kCommand,
     .text = "Give each job up to `N` lines of input; a line that ends with a blank goes on in the "
             "next one. The word that holds `{}` is repeated for each. With `--pipe`, a record is "
             "`N` lines."},
    {.name = "max-lines",
     .aliases = "maxlines",
     .letters = "l",
     .argument = Argument::kOptionalNumber,
     .metavar = "N",
     .group = Group::kCommand,
     .text = "As `-L`, but `{}` becomes all lines of a job; without `N`, one line a job."},
    {.name = "max-chars",
     .aliases = "maxchars",
     .letters = "s",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kCommand,
     .text = "Make no command line longer than `N` bytes: fewer inputs are put into a job than "
             "`-n`, `-L`, `-X` and `-m` would. An input that does not fit alone ends the run."},
    {.name = "exit",
     .letters = "x",
     .group = Group::kCommand,
     .text = "Does nothing: an input that does not fit on a command line always ends the run."},
    {.name = "quote",
     .letters = "q",
     .group = Group::kCommand,
     .text = "Take the command's words literally. Blanks, quotes, `$` and `;` in them mean nothing "
             "to the shell."},
    {.name = "dry-run",
     .aliases = "dryrun dr",
     .group = Group::kCommand,
     .brief = "print the jobs' command lines, run nothing",
     .text = "Print the command line of each job on stdout, and run nothing."},
    {.name = "shell-quote",
     .aliases = "shellquote shell_quote",
     .group = Group::kCommand,
     .text = "Print the inputs quoted for the shell, and run nothing. Given twice, they are quoted "
             "twice, and so on."},

    // Replacement strings.
    {.letters = "I",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kReplacement,
     .text = "Use `STR` where `{}` is meant, which then is ordinary text. The other replacement "
             "strings stay what they are."},
    {.name = "replace",
     .letters = "i",
     .argument = Argument::kOptionalWord,
     .metavar = "STR",
     .group = Group::kReplacement,
     .text = "As `-I`; without `STR`, `{}`. Beware: the next word is taken for `STR` where it is "
             "no option."},
    {.name = "plus",
     .group = Group::kReplacement,
     .text = "Turn on further replacement strings: `{..}` `{...}` `{/..}` `{/...}` (two and three "
             "extensions off), `{+/}` `{+.}` `{+..}` `{+...}` (what those take off), `{##}` (the "
             "number of jobs), `{0#}` `{0%}` (with zeros before), `{:-default}` `{:3}` `{:3:2}` "
             "(pieces), `{#prefix}` `{##prefix}` `{%suffix}` `{%%suffix}` (off), `{/re/text}` "
             "`{//re/text}` (replaced), `{^re}` `{^^re}` `{,re}` `{,,re}` (upper and lower case), "
             "`{choose_k}` `{uniq}` (combinations), `{slot}` and others."},
    {.name = "rpl",
     .argument = Argument::kRequired,
     .metavar = "'STR EXPR'",
     .group = Group::kReplacement,
     .text = "Make `STR` a replacement string: the input after the Perl code `EXPR` has changed "
             "`$_`. Where `STR` holds groups in parentheses, they match, and `$$1` in `EXPR` is "
             "what the first one matched. May be given several times."},
    {.name = "parens",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kReplacement,
     .text = "Write Perl code as `{= code =}` with other marks: the first half of `STR` opens, the "
             "second half closes, as in `--parens ,,,,`."},
    renamed("extensionreplace", "er", "Use `STR` where `{.}` is meant."),
    renamed("basenamereplace", "bnr", "Use `STR` where `{/}` is meant."),
    renamed("dirnamereplace", "dnr", "Use `STR` where `{//}` is meant."),
    renamed("basenameextensionreplace", "bner", "Use `STR` where `{/.}` is meant."),
    renamed("seqreplace", "", "Use `STR` where `{#}` is meant."),
    renamed("slotreplace", "", "Use `STR` where `{%}` is meant."),
};

}  // namespace

std::span<const Flag> command_flags() {
  return kFlags;
}

}  // namespace enjoin
