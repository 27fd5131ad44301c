#include "runner/cli/flag_groups.h"

namespace enjoin {
namespace {

using Argument = Flag::Argument;
using Group = Flag::Group;

constexpr Flag kFlags[] = {
    {.name = "arg-file",
     .aliases = "argfile",
     .letters = "a",
     .argument = Argument::kRequired,
     .metavar = "FILE",
     .group = Group::kInput,
     .text =
         "Take the inputs from `FILE`, one a line; `-` is stdin. Given several times, each file "
         "is an input source of its own, and every combination makes a job. Files of `-a` come "
         "before the sources of `:::` and `::::`. `+FILE` links it to the source before it.",
     .values = "FILE"},
    {.name = "null",
     .letters = "0",
     .group = Group::kInput,
     .brief = "inputs end with a NUL byte, as of find -print0",
     .text = "Inputs end with a NUL byte, not with a newline. What `find -print0` writes."},
    {.name = "delimiter",
     .letters = "d",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kInput,
     .text =
         "Inputs end with `STR`, not with a newline. Escapes are understood as by printf(1): "
         "`\\n`, `\\t`, `\\0`, `\\\\`, octal `\\101`, hexadecimal `\\x41`. `STR` may be several "
         "characters. The arguments of `:::` are cut at `STR` too."},
    {.name = "no-run-if-empty",
     .aliases = "norunifempty",
     .letters = "r",
     .group = Group::kInput,
     .text = "Make no job of an input that is empty or blank."},
    {.name = "colsep",
     .aliases = "col-sep",
     .letters = "C",
     .argument = Argument::kRequired,
     .metavar = "REGEX",
     .group = Group::kInput,
     .brief = "cut inputs into columns {1} {2} at REGEX",
     .text = "Cut each input into columns at `REGEX`, a Perl regular expression. `{1}`, `{2}` are "
             "the columns. Blanks around them are cut off; `--trim n` leaves them."},
    {.name = "csv",
     .group = Group::kInput,
     .text =
         "Inputs are records of CSV (RFC 4180): `{1}`, `{2}` are their fields. A field in quotes "
         "may hold separators and newlines. `--colsep` gives another separator than the comma: "
         "text, or `\\t` for a tab. With `--pipe`, records are never cut."},
    {.name = "header",
     .argument = Argument::kRequired,
     .metavar = "REGEX",
     .group = Group::kInput,
     .text =
         "The first input of each source is none but names its columns, for `{name}`; without "
         "`--colsep` they end with tabs. `--header :` is the usual form; 0 names the sources by "
         "their files instead. With `--pipe` the header goes to every job, and a number says "
         "how many lines it has.",
     .values = ":"},
    {.name = "link",
     .aliases = "xapply",
     .group = Group::kInput,
     .text = "Take one input of each source for a job, in step, rather than every combination. "
             "Shorter sources start again at their beginning. `:::+` and `::::+` link a source to "
             "the one before it, and the shorter of the two ends both."},
    {.name = "trim",
     .argument = Argument::kRequired,
     .metavar = "WHERE",
     .group = Group::kInput,
     .text = "Cut blanks off the inputs: `l` at their beginning, `r` at their end, `lr` or `rl` "
             "at both, `n` nowhere.",
     .values = "n l r lr rl"},
    {.name = "shuf",
     .group = Group::kInput,
     .text = "Run the jobs in random order. All inputs are read first."},
    {.name = "seed",
     .argument = Argument::kRequired,
     .metavar = "N",
     .group = Group::kInput,
     .text = "Make `--shuf` give the same order each time: the order of the number `N`. Implies "
             "`--shuf`."},
    {.name = "filter",
     .argument = Argument::kRequired,
     .metavar = "EXPR",
     .group = Group::kInput,
     .text = "Run only the jobs for which `EXPR` is true. It is Perl code that may hold "
             "replacement strings, as in `--filter '{1} < {2}'`. May be given several times."},
    {.name = "part",
     .argument = Argument::kRequired,
     .metavar = "K/N",
     .group = Group::kInput,
     .text = "Run only the `K`-th of `N` even shares of the jobs: K, K+N, K+2N and so on. So that "
             "several machines, or the tasks of a Slurm array, may work on one list: `--part "
             "$SLURM_ARRAY_TASK_ID/100`."},
    {.name = "eof",
     .aliases = "end-of-file",
     .letters = "e",
     .argument = Argument::kOptionalWord,
     .metavar = "STR",
     .group = Group::kInput,
     .text = "As `-E`. Without `STR`, there is no end marker. Beware: the next word is taken for "
             "`STR` where it is no option."},
    {.letters = "E",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kInput,
     .text = "An input that is `STR` ends its source; nothing after it is read."},
    {.name = "skip-first-line",
     .aliases = "skipfirstline",
     .group = Group::kInput,
     .text = "Leave out the first input of the first source."},
    {.name = "arg-sep",
     .aliases = "argsep",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kInput,
     .text = "Write `STR` where `:::` is meant, which then is an ordinary word."},
    {.name = "arg-file-sep",
     .aliases = "argfilesep",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kInput,
     .text = "Write `STR` where `::::` is meant, which then is an ordinary word."},
    {.name = "then-sep",
     .argument = Argument::kRequired,
     .metavar = "STR",
     .group = Group::kInput,
     .text = "Write `STR` where `--then` is meant, which then is an ordinary word."},
    {.name = "shebang",
     .aliases = "hashbang",
     .group = Group::kInput,
     .text = "Take the rest of the script as inputs. For a script's first line: `#!/usr/bin/enjoin "
             "--shebang -r wget`. Must be the first option."},
    {.name = "shebang-wrap",
     .group = Group::kInput,
     .text = "Run a script once for each of its arguments, or lines of stdin. For a script's first "
             "line: `#!/usr/bin/enjoin --shebang-wrap /usr/bin/python3`. Must be the first option. "
             "Options of enjoin's stand between it and the interpreter."},
};

}  // namespace

std::span<const Flag> input_flags() {
  return kFlags;
}

}  // namespace enjoin
