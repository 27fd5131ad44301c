#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

// Each block is shown in brackets, so that what lies between two jobs is seen.

TEST_CASE("compat: where blocks of --pipe end") {
  const CompatCase table[] = {
      {"by size",
       "show='echo [; cat; echo ]'; for b in 1 2 5 9 10 17 64; do seq 95 120 | parallel -k --pipe "
       "--block $b \"$show\"; done"},
      {"no newline at the end",
       "for b in 2 4 5 9; do printf 'ab\\ncd\\nef' | parallel -k --pipe --block $b 'cat; echo ]'; "
       "done"},
      {"record longer than the block",
       "(printf %0500d 1; echo; seq 300) | parallel -k --pipe --block 40 'wc -c; cksum'"},
      {"record ends",
       "printf 'oneENDtwoENDthreeEND' | parallel -k --pipe --block 8 --recend END 'cat; echo ]'; "
       "printf 'p,q;r,s;t' | parallel -k --pipe --block 5 --recend ';' 'cat; echo ]'"},
      {"no record ends", "seq 12 | parallel -k --pipe --block 5 --recend '' 'cat; echo ]'"},
      {"record starts",
       "printf '>a\\n1\\n>b\\n2\\n3\\n>c\\n' | parallel -k --pipe --block 8 --recstart '>' "
       "'cat; echo ]'"},
      {"record ends and starts",
       "printf '<x;<y;z;<w;' | parallel -k --pipe --block 7 --recstart '<' --recend ';' "
       "'cat; echo ]'"},
      {"regular expression",
       "seq 30 | parallel -k --pipe --block 11 --regexp --recend '[37]\\n' 'cat; echo ]'; "
       "seq 30 | parallel -k --pipe --block 11 --regexp --recstart '^.?5' 'cat; echo ]'"},
      {"lines", "seq 11 | parallel -k --pipe -L4 'cat; echo ]'"},
      {"lines and size", "seq 31 | parallel -k --pipe -L4 --block 13 'cat; echo ]'"},
      {"float", "seq 3000 | parallel -k --pipe --block 1.2k cksum"},
      {"NUL", "printf 'a\\0b\\0c\\0' | parallel -k --pipe --recend '\\0' --block 4 'od -An -c'"},
      {"empty input", ": | parallel --pipe 'echo ran; cat'; echo $?"},
      {"blank blocks and -r",
       "printf '\\n\\n  \\nx\\n' | parallel -k -r --pipe --block 2 'cat; echo ]'"},
      {"default", "seq 300000 | parallel -k --pipe cksum"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: -N with --pipe") {
  const CompatCase table[] = {
      {"lines", "seq 11 | parallel -k --pipe -N4 'cat; echo ]'"},
      {"whatever --block says", "seq 11 | parallel -k --pipe -N4 --block 5 'cat; echo ]'"},
      {"-n", "seq 5 | parallel -k --pipe -n2 'cat; echo ]'"},
      {"records of lines", "seq 17 | parallel -k --pipe -L3 -N2 'cat; echo ]'"},
      {"record starts",
       "printf '>a\\n1\\n>b\\n2\\n3\\n>c\\n' | parallel -k --pipe -N2 --recstart '>' 'cat; echo "
       "]'"},
      {"regular expressions",
       "printf 'v1 a\\nb\\nv2 c\\nv33 d\\n' | parallel -k --pipe -N1 --regexp --recstart 'v\\d+ ' "
       "'cat; echo ]'"},
      {"bytes", "seq 5 | parallel -k --pipe -N3 --recend '' 'cat; echo ]'"},
      {"thousands", "seq 4500 | parallel -k --pipe -N1k cksum"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: --header and --remove-rec-sep with --pipe") {
  const CompatCase table[] = {
      {"a line", "seq 12 | parallel -k --pipe --header : --block 7 'cat; echo ]'"},
      {"lines", "seq 12 | parallel -k --pipe --header 3 -N4 'cat; echo ]'"},
      {"expression",
       "printf '#a\\n#b\\n1\\n2\\n3\\n' | parallel -k --pipe --header '(#.*\\n)*' -N2 'cat; echo "
       "]'"},
      {"only a header", "echo h | parallel -k --pipe --header : 'cat; echo ]'; echo $?"},
      {"ends removed", "printf 'a;b;c' | parallel -k --pipe -N2 --rrs --recend ';' 'cat; echo ]'"},
      {"starts removed",
       "printf ';a;b;c' | parallel -k --pipe -N2 --rrs --recstart ';' 'cat; echo ]'"},
      {"both removed",
       "printf '<a>\\n<b>\\n<c>\\n' | parallel -k --pipe --rrs --recstart '<' --recend '>\\n' "
       "'cat; echo ]'"},
      {"expression removed",
       "printf 'a1b22c3' | parallel -k --pipe --rrs --regexp --recend '\\d+' -N1 'cat; echo ]'"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: where --pipe-part cuts") {
  const CompatCase table[] = {
      {"by size",
       "seq 95 120 >f; for b in 1 3 8 10 50 1000; do parallel -k --pipepart -a f --block $b "
       "'cat; echo ]'; done"},
      {"for each slot",
       "seq 1000 >f; for b in 1 2 7; do parallel -k -j3 --pipepart -a f --block -$b cksum; done"},
      {"without --block", "seq 5000 >f; parallel -k -j2 --pipepart -a f cksum"},
      {"no newline at the end",
       "printf 'a\\nb\\nc' >f; parallel -k --pipepart -a f --block 2 cksum"},
      {"several files",
       "seq 20 >f; seq 30 45 >g; : >none; parallel -k --pipepart -a f -a none -a g --block 16 "
       "'cat; echo ]'"},
      {"named behind ::::",
       "seq 20 >f; seq 30 45 >g; parallel -k --pipepart --block 16 'cat; echo ]' :::: f g"},
      {"separators",
       "printf 'XaYXbYXcYXdYXeYXfY' >f; for b in 3 4 7; do parallel -k --pipepart -a f --recstart "
       "X "
       "--block $b 'cat; echo ]'; parallel -k --pipepart -a f --recend Y --block $b 'cat; echo ]'; "
       "parallel -k --pipepart -a f --recstart X --recend Y --block $b 'cat; echo ]'; "
       "parallel -k --pipepart -a f --recend '' --block $b 'cat; echo ]'; done"},
      {"header",
       "seq 20 >f; seq 30 45 >g; parallel -k --pipepart --header 2 -a f -a g --block 16 "
       "'cat; echo ]'"},
      {"empty", ": >none; parallel --pipepart -a none 'echo ran'; echo $?"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: --group-by, --bin and --shard") {
  const CompatCase table[] = {
      {"groups",
       "printf 'a 1\\na 2\\nb 3\\nb 4\\nc 5' | parallel -k --pipe --colsep ' ' --group-by 1 -N1 "
       "'cat; echo ]'"},
      {"two groups",
       "printf 'a\\t1\\na\\t2\\nb\\t3\\nb\\t4\\nc\\t5\\n' | parallel -k --pipe --group-by 1 -N2 "
       "'cat; echo ]'"},
      {"a named column",
       "printf 'k,v\\na,1\\na,2\\nb,2\\n' | parallel -k --pipe --colsep , --header : --group-by k "
       "-N1 'cat; echo ]'; printf 'k,v\\na,1\\na,2\\nb,2\\n' | parallel -k --pipe --colsep , "
       "--group-by k -N1 'cat; echo ]'"},
      {"an expression",
       "seq 10 | parallel -k --pipe --group-by '$_=int($_/4)' -N1 'cat; echo ]'; printf "
       "'a1 x\\na2 x\\nb1 x\\n' | parallel -k --pipe --colsep ' ' --group-by '1 s/\\d//' -N1 "
       "'cat; echo ]'"},
      {"bin", "seq 20 | parallel -k -j3 --pipe --bin 1 'cat; echo ]'"},
      {"bin of an expression", "seq 20 | parallel -k -j3 --pipe --bin '1 $_%=2' 'cat; echo ]'"},
      {"bin of a named column",
       "printf 'n x\\n1 a\\n2 b\\n3 c\\n0 d\\n' | parallel -k -j3 --pipe --colsep ' ' --header : "
       "--bin n 'cat; echo ]'"},
      {"shards hold all, and a value once",
       "seq 30 | sed 's/.$/& &/' | parallel -j3 --pipe --colsep ' ' --shard 2 "
       "'cut -d\" \" -f2 | sort -u' | sort"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
