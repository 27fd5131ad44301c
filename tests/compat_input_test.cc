#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

TEST_CASE("compat: inputs") {
  const CompatCase table[] = {
      {"lines", "printf 'x\\ny z\\n\\nlast' | parallel -k echo '[{}]'"},
      {"no input", "parallel -k echo </dev/null; parallel -k echo ran ::: "},
      {"product", "parallel -k echo {2}-{1}-{3} ::: r s ::: 7 8 9 ::: p"},
      {"files", "printf 'q\\nw\\n' >one; seq 3 >two; parallel -k -a one -a two echo {1}{2}"},
      {"mixed", "seq 2 >n; parallel -k echo {3}{2}{1} ::: k l :::: n ::: z"},
      {"dash is stdin", "seq 3 | parallel -k echo {1}{2} :::: - ::: a b"},
      {"two files after ::::", "seq 2 >n; seq 7 8 >m; parallel -k echo {1}/{2} :::: n m"},
      {"NUL", "printf 'one\\ntwo\\0three\\0\\0' | parallel -0 -k 'printf \"(%s)\" {}'"},
      {"delimiter", "printf 'u;v;;w' | parallel -k -d ';' echo '[{}]'"},
      {"delimiter escapes", "printf 'u\\tv' | parallel -k -d '\\t' echo"},
      {"long delimiter", "printf 'uENDvEND' | parallel -k -d END echo '[{}]'"},
      {"delimiter of two newlines",
       "printf 'a\\nb\\n\\nc\\n' | parallel -k -d '\\n\\n' echo '[{}]'"},
      {"delimiter and :::", "parallel -k -d , echo '[{}]' ::: a,b c"},
      {"skip blank", "printf 'm\\n  \\n\\t\\n\\nn\\n' | parallel -k -r echo '[{}]'"},
      {"lines as commands", "printf 'echo p; echo q\\nexit 4\\necho r | tr r s\\n' | parallel -k"},
      {"arguments as commands", "parallel -k ::: 'echo 5' 'false' 'echo 6 >&2'"},
      {"empty argument", "parallel -k echo '[{}]' ::: '' a"},
      {"empty source beside another", "parallel -k echo '[{1}{2}]' ::: a b :::"},
      {"empty file beside another", ": >none; parallel -k echo '[{1}{2}]' ::: a b :::: none"},
      {"blanks are kept", "parallel -k echo '[{}]' ::: '  lead' 'trail  ' 'in  side'"},
      {"stdin is not the jobs'", "seq 3 | parallel -k -j1 'cat; echo {}'"},
      {"substitution", "parallel -k -a <(seq 2) -a <(seq 8 9) echo {2}{1}"},
      {"inherited descriptor", "echo gift >g; parallel 'cat <&7; : {}' ::: 1 7<g"},
      {"utf-8", "parallel -k echo {} {.} ::: 'd\u00e9j\u00e0.vu' '\u65e5\u672c.x'"},
      {"bytes", "printf '\\377\\376\\n\\001\\n' | parallel -k 'printf %s {} | od -An -tx1'"},
      {"carriage return", "printf 'a\\r\\nb\\r\\n' | parallel -k 'printf %s {} | od -An -c'"},
      {"many", "seq 400 | parallel -j3 -k echo v{} | cksum"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: replacement strings") {
  const CompatCase table[] = {
      {"paths",
       "parallel -k echo {} {.} {/} {//} {/.} ::: a/b.c a.b/c /x y /p/q.r/s.t.u . .. .h .h.i "
       "a/ a.b/"},
      {"positions", "parallel -k echo {2.} {1/} {2//} {1/.} {-1} {-2/} ::: m/n.o ::: s/t.u"},
      {"positions out of range", "parallel -k echo '[{3}]' '[{-3}]' ::: a ::: b"},
      {"number", "parallel -k echo {#} {} ::: x y z"},
      {"slot", "parallel -j1 echo {%} {} ::: x y"},
      {"appended", "parallel -k echo pre ::: 'a b' c; parallel -k echo {#} ::: a"},
      {"appended for positions only", "parallel -k echo {1} ::: a ::: b"},
      {"-I", "parallel -k -I ,, echo ,, {} ::: a; parallel -k -I {} echo {} ::: b"},
      {"-I and the parts", "parallel -k -I ,, echo ,, {.} {/} ::: d/e.f"},
      {"-N0", "parallel -k -N0 echo hi ::: 1 2 3"},
      {"twice", "parallel -k echo {}{} {}-{} ::: a 'b c'"},
      {"in quotes", "parallel -k 'echo \"{}\" '\"'{}'\" ::: a 'b  c'"},
      {"in an assignment", "parallel -k 'V={}; echo \"$V\"' ::: a 'b  c' '$HOME'"},
      {"not a replacement string", "parallel -k echo {x} {a.} {} {{}} {}} ::: v"},
      {"leading zero", "parallel -k echo {01} ::: v"},
      {"as the command", "parallel -k {} word ::: echo printf"},
      {"inside the command's name", "parallel -k ec{} x ::: ho"},
      {"special characters",
       "parallel -k echo ::: '*' '$PATH' '`date`' \"it's\" '\"' '\\' '~' '#' '!' '&' ';' "
       "'|' '<' '>' '(' '{' '[' '?' '=' '^'"},
      {"-q", "parallel -k -q echo '$HOME  x' '{}' \"it's\" ::: 'a  b'"},
      {"-q with a script", "parallel -k -q sh -c 'echo \"$0\" x; echo y' ::: 'a b'"},
      {"dry run", "parallel -k --dry-run 'echo {} >x; ls' ::: 'a b' \"it's\" ''; ls"},
      {"dry run numbers", "parallel -k --dry-run -j1 echo {#} {%} {/.} ::: a/b.c d"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: batches") {
  const CompatCase table[] = {
      {"-n", "seq 7 | parallel -k -n3 echo; seq 5 | parallel -k -n2 echo {2}:{1}"},
      {"-n and context", "seq 5 | parallel -k -n2 echo a{}b"},
      {"-N and context", "seq 5 | parallel -k -N2 echo a{}b {.}"},
      {"-N beyond the input", "seq 3 | parallel -k -N9 echo {1} {9} {}"},
      {"-X", "parallel -k -j1 -X echo x{}y {}z ::: 1 2 3"},
      {"-m", "parallel -k -j1 -m echo x{}y {}z ::: 1 2 3"},
      {"--xargs", "parallel -k -j2 --xargs echo x{} ::: 1 2 3"},
      {"shared out", "seq 13 | parallel -k -j3 -X echo; seq 3 | parallel -k -j5 -m echo"},
      {"-X -n", "seq 7 | parallel -k -j2 -X -n3 echo v{}"},
      {"quoting", "parallel -k -j1 -X echo '{} end' ::: 'a b' \"c'd\" ''"},
      {"job number", "seq 6 | parallel -k -n2 echo {#}: {}"},
      {"parts of several", "parallel -k -n2 echo {/} {1.} ::: a/b.c d/e.f"},
      {"several sources", "parallel -k -n2 echo {1}{2} ::: a b ::: 1 2"},
      {"-m with parts", "parallel -k -j1 -m echo {.} {/} ::: a/b.c d/e.f"},
      {"full lines", "seq 30000 | parallel -k -j1 --xargs 'echo {} | wc -c'"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
