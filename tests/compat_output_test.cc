#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

namespace {

// Shows all files below the folder that we are in, by name.
#define SHOW_FILES \
  "; find . -type f | LC_ALL=C sort | while read -r f; do echo \"$f\"; cat \"$f\"; done"
// Blanks what differs from run to run in a table.
#define NO_TIMES " | sed -E 's/[0-9]+\\.[0-9]{3}/T/g'"
#define NO_NAMES " | sed -E 's:[^ \t\",]*/par.{5}\\.par:FILE:g'"

void check_all(const CompatCase* table, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) check_same(table[i]);
}

}  // namespace

TEST_CASE("compat: --results as a tree") {
  const CompatCase table[] = {
      {"streams and seq",
       "parallel --results out 'echo o{}; echo e{} >&2; exit {}' ::: 0 3" SHOW_FILES},
      {"escapes", "parallel --results out echo ::: a/b '' 'x\ty' 'b\\c' '  ' é" SHOW_FILES},
      {"-n", "parallel -n2 --results out echo ::: 1 2 3" SHOW_FILES},
      {"--header", "parallel --header : --results out echo ::: n 1 2 ::: m p" SHOW_FILES},
      {"columns", "printf 'a,b\\n' | parallel --colsep , --results out echo" SHOW_FILES},
      {"long", "parallel --results out echo ::: $(printf %0600d 1)" SHOW_FILES},
      {"-N0", "parallel -N0 --results out echo ::: 1" SHOW_FILES},
      {"-v and --tag", "parallel -v --tag --results out echo ::: a" SHOW_FILES},
      {"-u", "parallel -u --results out echo ::: a" SHOW_FILES},
      {"--lb prints names", "parallel -k --lb --tag --results out echo ::: a b"},
      {"--files prints names", "parallel -k --files --results out echo ::: a b"},
      {"--joblog", "parallel --joblog log --results out 'echo {}; exit {}' ::: 0 2"},
      {"--retries", "parallel --retries 2 --results out 'echo {}; false' ::: a" SHOW_FILES},
  };
  check_all(table, std::size(table));
}

TEST_CASE("compat: --results with replacement strings") {
  const CompatCase table[] = {
      {"files", "parallel --results 'res_{}.txt' 'echo {}; echo e >&2' ::: a b/c" SHOW_FILES},
      {"folders", "parallel --results 'res_{}/' echo ::: a 'b c'" SHOW_FILES},
      {"positions", "parallel --results 'r{#}_{1}_{2}/x' echo ::: a b ::: 1" SHOW_FILES},
      {"--header", "parallel --header : --results 'o{b}_{a}' echo ::: b 1 ::: a 2" SHOW_FILES},
      {"perl", "parallel --results 'o{= $_=uc($_) =}' echo ::: b a" SHOW_FILES},
      {"-n", "parallel -n2 --results 'r_{}' echo ::: a b c" SHOW_FILES},
  };
  check_all(table, std::size(table));
}

TEST_CASE("compat: --results as a table") {
  const CompatCase table[] = {
      {".csv",
       "parallel -k --results t.csv 'echo {}; echo e >&2; exit {#}' ::: 0 'a\"b\t,c' ::: x;"
       " cat t.csv" NO_TIMES},
      {".tsv", "parallel -k --results t.tsv 'echo {}' ::: 0 'a\"b\t,c'; cat t.tsv" NO_TIMES},
      {".json",
       "parallel -k --results t.json 'echo {}; exit {#}' ::: 0 'a\\b\t\"'; cat t.json" NO_TIMES},
      {"stdout", "parallel -k --results -.csv 'printf \"o\\n\\t,\"' ::: a b" NO_TIMES},
      {"--header", "parallel -k --header : --results -.csv echo ::: a 1 ::: b 2 3" NO_TIMES},
      {"--tag -v", "parallel -k --tag -v --results -.csv echo ::: a b" NO_TIMES},
      {"-n", "seq 3 | parallel -k -n2 --results -.json echo" NO_TIMES},
      {"--files", "parallel -k --files --results -.csv echo ::: a b" NO_NAMES NO_TIMES},
      {"--pipe", "seq 2 | parallel -k --pipe -N1 --results -.csv cat" NO_TIMES},
      {"no jobs", "parallel --results t.csv echo </dev/null; cat t.csv"},
  };
  check_all(table, std::size(table));
}

TEST_CASE("compat: --files") {
  const CompatCase table[] = {
      {"names", "parallel -k --files echo ::: a b" NO_NAMES},
      {"--tag", "parallel -k --files --tag echo ::: a b" NO_NAMES},
      {"contents", "parallel -k --files -v echo ::: a b | xargs cat"},
      {"--lb", "parallel -k --lb --files echo ::: a b" NO_NAMES},
      {"-u", "parallel -j1 -u --files echo ::: a b"},
      {"--tmpdir", "mkdir t; parallel -k --tmpdir t --files echo ::: a" NO_NAMES},
      {"--compress-program",
       "parallel -k --compress-program gzip --files 'seq {}' ::: 3 4 | xargs gzip -dc"},
  };
  check_all(table, std::size(table));
}

TEST_CASE("compat: colours and tags") {
  const CompatCase table[] = {
      {"--color", "parallel -k --color 'echo {}; echo; printf e >&2' ::: a b c 2>&1"},
      {"--color-failed", "parallel -k --color-failed 'echo {}; printf x; exit {}' ::: 0 1"},
      {"--ctag", "parallel -k --ctag 'echo {}; printf x' ::: a b"},
      {"--ctagstring", "parallel -k --ctagstring 'T{}' echo ::: a b"},
      {"--color --tag", "parallel -k --color --tag echo ::: a b"},
      {"--lb --color", "parallel -j1 --lb --color --tag echo ::: a b"},
      {"--tagstring with -n", "parallel -k -n2 --tagstring 'a{}b' echo ::: 1 2 3"},
      {"-t -k", "parallel -k -t echo ::: a b c 2>&1 >out; cat out"},
      {"-v and :", "parallel -v : ::: a"},
  };
  check_all(table, std::size(table));
}

TEST_CASE("compat: where jobs run") {
  const CompatCase table[] = {
      {"--wd", "mkdir d; parallel --wd d 'basename \"$(pwd)\"; touch f' ::: a" SHOW_FILES},
      {"--wd makes it", "parallel --wd n/m 'basename \"$(pwd)\"' ::: a"},
      {"--wd per job", "parallel -k --wd 'd{}' 'basename \"$(pwd)\"' ::: ' 1' 2"},
      {"--wd OLDPWD", "parallel --wd /tmp 'pwd; basename \"$OLDPWD\"; :' ::: a"},
      {"--wd and --results", "parallel --wd sub --results out echo ::: a" SHOW_FILES},
      {"--wd ... is removed",
       "d=$(parallel --wd ... 'touch f; pwd; :' ::: a); echo ${d##*-}; ls $d 2>/dev/null"},
      {"--process-slot-var", "parallel -j1 --process-slot-var=n 'echo $n {%}; :' ::: a b"},
      {"variables", "parallel 'echo $PARALLEL_SSHLOGIN $PARALLEL_SSHHOST; :' ::: a"},
  };
  check_all(table, std::size(table));
}
