#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

TEST_CASE("compat: quoting of values") {
  const CompatCase table[] = {
      {"what shells read",
       "parallel -k 'printf \"[%s]\\n\"' {} ::: \"it's\" 'a \"b\" c' '$HOME' '`id`' '*' '?' '~' "
       "'!' "
       "'#x' 'a\\b' 'a&b;c|d' '<in>' '(p)' '{b}' '[x]' '%d' '^' '=' '' ' ' \"''\" \"'\" '-n'"},
      {"bytes",
       "printf 'two\\nlines\\0tab\\there\\0 lead\\0trail \\0\\001\\0\\377\\0' | "
       "parallel -0 -k 'printf \"[%s]\\n\"' {}"},
      {"letters of other tongues", "parallel -k echo {} {.} {/} ::: 'grün' '日本 語' 'dé/日本.ü'"},
      {"within quotes", "parallel -k echo '\"{}\"' \"'{}'\" ::: a 'b c'"},
      {"the command's own", "parallel -k echo 'a  b' '$((1+2))' \"'a  b'\" {} ::: '$((3+4))'"},
      {"redirections", "parallel -k echo '>' o ::: a; parallel -k 'echo {} >>o' ::: x; cat o"},
      {"-q", "parallel -kq echo '$HOME  two  \"q\"' \"it's\" '' {} x{}y ::: 'a  b' \"c'd\" ''"},
      {"-q and a program",
       "parallel -kq perl -e '$ARGV[0]=~/^\\S+\\s+\\S+$/ and print "
       "$ARGV[0],\"\\n\"' ::: 'a b' c 'd e f' g 'h i'"},
      {"-q and -X", "parallel -kq -j1 -X echo 'a  {}' '{}  b' ::: '1  2' 3"},
      {"commands from the input",
       "printf 'echo a\\necho b | tr b c\\necho \"q  q\"\\n\\n' | "
       "parallel -k"},
      {"the name of the command",
       "parallel -k '{} hello' ::: echo 'printf \"%s!\\n\"'; "
       "parallel -k 'e{} x  y' ::: cho"},
      {"replacement strings from the input", "parallel -k ::: 'echo {} {#} {%} {.}'"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: commands that are only shown") {
  const CompatCase table[] = {
      {"--dry-run",
       "parallel -k --dry-run printf '\"[%s]\\n\"' {} ::: \"it's\" 'a  b' '$x' '*' ''"},
      {"--dry-run and sh", "parallel -k --dry-run printf '\"[%s]\\n\"' {} ::: \"it's\" '$x' | sh"},
      {"--dry-run -q", "parallel -k --dry-run -q echo 'a  b' '{}x' ::: 'x  y'"},
      {"--dry-run --tag", "parallel -k --dry-run --tag echo 'a  b' {} ::: 'x  y'"},
      {"--dry-run -v", "parallel -k --dry-run -v echo {} ::: 'x  y'"},
      {"--dry-run --pipe", "seq 3 | parallel -k --dry-run --pipe -N1 cat {#}"},
      {"--dry-run -X", "parallel -k -j2 --dry-run -X echo {#} {} ::: a b c"},
      {"--dry-run --joblog", "parallel -k --dry-run --joblog l echo ::: a; ls l 2>&1 | wc -l"},
      {"--shellquote", "parallel -k --shellquote ::: 'a b' \"it's\" '$x' '' a/b"},
      {"--shellquote twice", "parallel -k --shellquote --shellquote ::: 'a b' \"it's\" '' a"},
      {"--shellquote and a command", "parallel -k --shellquote echo '\"x y\"' {} {.} ::: 'a b'"},
      {"--shellquote of stdin", "echo 'a b' | parallel --shellquote"},
      {"--shellquote -0", "printf 'a\\nb' | parallel -0 --shellquote"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
