#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

TEST_CASE("compat: which inputs are taken") {
  const CompatCase table[] = {
      {"-E", "seq 5 | parallel -k -E 3 echo; seq 5 | parallel -k -E3 echo"},
      {"-E on arguments", "parallel -k -E c echo ::: a b c d"},
      {"-E on every source", "parallel -k -E c echo {1}{2} ::: a b c d ::: 1 c 3"},
      {"-E in a file and arguments", "seq 5 >n; parallel -k -E 3 echo :::: n ::: 1 3"},
      {"-E and -X", "seq 5 | parallel -k -j1 -X -E 3 echo"},
      {"-E and -0", "printf 'a\\0c\\0d' | parallel -k -0 -E c echo"},
      {"-E of nothing", "parallel -k -E '' echo '[{}]' ::: a '' b"},
      {"-e with its value", "parallel -k -ec echo ::: a b c d"},
      {"--eof with its value", "parallel -k --eof=c echo ::: a b c d"},
      {"-E against the whole line", "printf 'a,b\\nc,d\\n' | parallel -k --colsep , -E c echo"},
      {"-E against all columns", "printf 'a,b\\nc,d\\n' | parallel -k --colsep , -E c,d echo"},
      {"--skip-first-line", "seq 3 | parallel -k --skip-first-line echo"},
      {"--skip-first-line of two",
       "seq 3 >n; parallel -k --skip-first-line -a n echo {1}{2} ::: a "
       "b"},
      {"--trim",
       "for t in n l r lr rl; do parallel -k --trim $t 'printf \"[%s]\\n\"' ::: ' a ' "
       "'\tb ' 'c  '; done"},
      {"--trim and -X", "parallel -k -j1 --trim lr -X echo x{}y ::: ' a ' ' b'"},
      {"--shuf",
       "seq 20 | parallel --shuf echo {} | sort -n; parallel --shuf echo {1}{2} ::: a b "
       "::: 1 2 | sort"},
      {"--shuf and -N", "seq 7 | parallel -k --shuf -N2 'echo {} | wc -w'"},
      {"no last newline",
       "printf 'a,b' | parallel --colsep , echo {2}; printf 'a ' | parallel -L1 "
       "echo; printf a | parallel --header : echo x"},
      {"many -a", "seq 2 >n; seq 3 4 >m; parallel -k -a n -a m echo {1}{2}{3} ::: x"},
      {"-a and --arg-sep", "seq 2 >n; parallel -k -a n --arg-sep ,, echo ,, a b"},
      {"-a -", "printf 'a\\nb' | parallel -k -a - echo {1}{2} ::: c d"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: lines of input a job") {
  const CompatCase table[] = {
      {"-L",
       "seq 7 | parallel -k -L3 echo; printf 'a b\\nc d\\n' | parallel -k -L2 'printf "
       "\"[%s]\" {}'"},
      {"continued", "printf 'a b\\nc \\nd\\n\\n e \\n f\\ng' | parallel -k -L1 echo '[{}]'"},
      {"continued pairs", "printf 'a b\\nc \\nd\\n\\n e \\n f\\ng' | parallel -k -L2 echo"},
      {"continued by a tab", "printf 'a\\t\\nb\\n' | parallel -k -L1 'printf \"[%s]\"'"},
      {"continued arguments", "parallel -k -L1 echo '{}x' ::: a 'b ' c d"},
      {"continued and NUL", "printf 'a \\0b\\0' | parallel -0 -k -L1 echo '{}x'"},
      {"continued and -r", "printf 'a \\n\\nb\\n \\nc\\n' | parallel -k -r -L1 'printf \"[%s]\"'"},
      {"continued and -E", "printf 'a \\nE\\nb\\n' | parallel -k -E E -L1 'printf \"[%s]\"'"},
      {"context", "seq 5 | parallel -k -L2 echo a{}b; seq 5 | parallel -k -l2 echo a{}b"},
      {"of two sources", "parallel -k -L2 echo '{}x' ::: a 'b ' c d ::: 1 2"},
      {"-L and -n", "seq 7 | parallel -k -L2 -n3 echo a{}; seq 7 | parallel -k -L3 -n2 echo a{}"},
      {"-l and -n", "seq 7 | parallel -k -l3 -n2 echo a{}"},
      {"-L and -N", "seq 7 | parallel -k -L3 -N2 echo a{}b"},
      {"-L and -X", "seq 5 | parallel -k -j2 -L4 -X echo a{}b"},
      {"full and shared out",
       "for o in -n4 -N4 -L4 -l4; do for n in 4 6 7 8; do seq $n | parallel -k -j2 -X $o echo; "
       "seq $n | parallel -k -j2 -m $o echo; seq $n | parallel -k -j2 --xargs $o echo; done; done"},
      {"-L and -m", "seq 5 | parallel -k -j2 -L2 -m echo a{}b"},
      {"-l alone", "printf 'a b\\nc \\nd\\n' | parallel -k -l echo"},
      {"--max-lines",
       "seq 5 | parallel -k --max-lines=2 echo; seq 2 | parallel -k --max-lines "
       "echo"},
      {"-L0", "parallel -k -L0 echo '{#}x{}' ::: a b c"},
      {"-L and columns", "printf 'a b\\nc d\\n' | parallel -k --colsep ' ' -L2 echo '{}x{2}'"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: length of lines") {
  const CompatCase table[] = {
      {"-s fills nothing by itself", "seq 20 | parallel -k -s 20 echo a{}b"},
      {"-s -X", "seq 20 | parallel -k -j1 -s 20 -X echo a{}b"},
      {"-s -m", "seq 20 | parallel -k -j1 -s 20 -m echo a{}b"},
      {"-s --xargs", "seq 200 | parallel -k --xargs -s 50 echo"},
      {"-s -n", "seq 20 | parallel -k -n 8 -s 20 echo a{}b"},
      {"-s -N", "seq 20 | parallel -k -N 8 -s 20 echo"},
      {"-s -L", "seq 20 | parallel -k -L 8 -s 20 echo a{}b"},
      {"-s shared out", "seq 20 | parallel -k -j2 -X -s 20 echo"},
      {"-x", "seq 20 | parallel -k -n 8 -x -s 20 echo"},
      {"just too long",
       "for s in 12 13 14; do echo 12345678 | parallel -s $s echo 2>/dev/null; echo "
       "$?; done"},
      {"with quoting",
       "for s in 22 23 24 25; do parallel -j1 -X -s $s echo ::: 'a b' 'c d' 'e f'; "
       "done"},
      {"-s of 0", "seq 3 | parallel -k -s 0 echo"},
      {"-s of too much",
       "seq 30000 | parallel -k -j1 --xargs -s 200000 'echo {} | wc -c' "
       "2>/dev/null"},
      {"units",
       "seq 2000 | parallel -mj1 -s 1k 'echo {} | wc -w'; seq 2000 | parallel -k -N 1k "
       "'echo {} | wc -w'"},
      {"parts of values",
       "for o in -X -m; do for w in 'a{}b' 'a{}b{.}' 'a{}b{.}c{.}' 'a{}b{.}c{.}{.}{}' '{.} {}'; do "
       "seq 15 | sed 's/$/.gif/' | parallel -j1 -k -s 80 $o echo \"$w\"; "
       "seq 5000 | sed 's/$/.gif/' | parallel -j1 -k $o echo \"$w\" | wc; done; done"},
      {"positions and -X or -m",
       "for o in -X -m; do for w in '{1}' '{1}{2}' '{1}-{2}' '{2}' '{1} {2}' '{} {1}' '{1.}{}'; do "
       "seq 100 199 | parallel -j1 -k -s 60 $o echo \"$w\"; done; done"},
      {"positions of two sources",
       "for w in '{1}{}' '{#}{2}'; do parallel -j1 -s 40 -kX echo $w ::: a b c d e f g h i j k l "
       "::: 1 2; done"},
      {"numbers and -X or -m",
       "for o in -X -m; do for w in '{#}' '{#} {}' '{#}y{}' '{%} {}'; do "
       "seq 100 | parallel -j1 -k -s 40 $o echo \"$w\"; done; done"},
      {"a number that grows too long",
       "seq 200 | parallel -j1 -k -s 40 'echo {#}{#}{#}{#}{#}{#}{#}{#}{#}{#}{#}' 2>/dev/null; "
       "echo $?"},
      {"long values that are not used",
       "perl -e 'print join(\"\\t\", \"a\", \"b\" x 3000000, \"d\" x 300000 . \"/c\", \"/e/f.g\")' "
       "|"
       " parallel --colsep '\\t' echo '{1} {3/} {4/.}'"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
