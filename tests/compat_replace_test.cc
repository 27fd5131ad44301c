#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

TEST_CASE("compat: replacement strings of --plus") {
  const CompatCase table[] = {
      {"extensions",
       "parallel -k --plus echo {..} {...} {/..} {/...} {+/} {+.} {+..} {+...} ::: a a.b a.b.c "
       "a.b.c.d d/e.f/g.h.i d/ / .x .x.y a. a.b. a.. x/a.b. x./b ''"},
      {"numbers", "parallel -k -j1 --plus echo {0%}-{0#}-{##}-{1##}. ::: {1..12}"},
      {"-N2 and {##}", "parallel -k --plus -N2 echo {##} {0#} ::: a b c"},
      {"defaults and parts",
       "parallel -k --plus echo '{:-x y}' {:-2} {:2} {:0} {:2:2} {:1:99} {:99} ::: '' 0 abcdef"},
      {"prefixes", "parallel -k --plus echo '{#a*}' '{##a*}' '{#.*/}' '{##.*/}' ::: aa/b/c x"},
      {"suffixes",
       "parallel -k --plus echo '{%.*}' '{%%.*}' '{%b+}' '{%%b+}' '{%\\..*}' ::: a.c.bb x"},
      {"own groups and choices",
       "parallel -k --plus echo '{#(a|b)+}' '{#a|b}_{%a|b}' '{/(a+)/<$1>}' ::: aab xb"},
      {"replacing",
       "parallel -k --plus echo '{/a/b}' '{//a/b}' '{//a/}' '{//x*/-}' '{/a$/x}' "
       "::: banana xax b"},
      {"case",
       "parallel -k --plus echo '{^a}' '{^^a}' '{^^[a-c]}' '{,A}' '{,,A}' '{^}' '{^^}' "
       "::: abcABC ABCabc"},
      {"positions",
       "parallel -k --plus --colsep , echo '{1%b} {2^b} {-1/b/x} {2:1:1} {3#a}.' "
       "::: ab,bc cb,bb"},
      {"choose_k", "parallel -k --plus echo {choose_k} {#} ::: A B C ::: A B C; :"},
      {"uniq", "parallel -k --plus echo {uniq} {#} ::: A B ::: A C ::: D A; :"},
      {"variables",
       "parallel -k -j1 --plus echo {slot}_{sshlogin}_{host}_{hgrp}_{agrp}_{1slot}. "
       "::: a b"},
      {"variables, shown", "parallel --dry-run --plus echo {slot} {host} ::: a"},
      {"variables of -q", "parallel -q --plus echo {slot} ::: a"},
      {"-X", "parallel -k -j2 --plus -X echo '{..}' 'a{%b}b' ::: a.b.c b c"},
      {"no others", "parallel -k echo {..} {%x} {/a/b} {:1} {^a} ::: a.b.c"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: Perl expressions") {
  const CompatCase table[] = {
      {"of each value", "parallel -k -N2 echo '{= $_ .= \"x y\" =}' {} ::: 1 2 3"},
      {"of a position",
       "parallel -k echo '{=2 $_.=\"x\" =}' '{=-1 $_.=\"y\" =}' '{=-2$_.=\"z\"=}' ::: 1 ::: A B"},
      {"quoted", "parallel -k echo '{= $_=\"a  b\" =}' '\"{= $_=\"c  d\" =}\"' ::: x"},
      {"-q", "parallel -kq echo '{= $_=\"a  b\" =}' \"'{= =}'\" {= '$_.=\"x\"' =} ::: x"},
      {"uq", "parallel -k echo '{}{=uq()=}' '{= uq; $_=\"$_  $_\" =}' ::: '`echo foo`'"},
      {"Q and pQ", "parallel -k echo '{= $_=Q($_) =}' '{= $_=pQ($_) =}' ::: \"it's\" '$a' ''"},
      {"numbers",
       "parallel -k -j1 echo '{= $_=seq() =}{= $_=slot() =}{= $_=total_jobs() =}"
       "{= $_=$job->seq() =}' ::: a b c"},
      {"arguments",
       "parallel -k echo '{=1 $_=\"@arg\" =}' '{= $_=\"$arg[2]$arg[1]\" =}' "
       "::: a ::: b"},
      {"times",
       "parallel echo '{= $_=join \" \", yyyy_mm_dd_hh_mm_ss(), hh_mm_ss(), "
       "yyyymmddhhmmss(), hhmmss(), hhmm() =}' ::: 1 | tr 0-9 9"},
      {"skip", "parallel -k echo {#} '{= $_ == 2 and skip() =}' ::: 1 2 3; :"},
      {"-X", "parallel -k -j2 -X echo 'a{= $_.=\"x y\" =}b' ::: 1 2 3 4 5"},
      {"-X fills lines by what is computed",
       "seq 10000 | parallel -k -j1 -X 'echo {= $_ x= 9 =} | wc' | head -1"},
      {"-X and -s",
       "parallel -k -s 40 -X -j1 echo '{= $_.=\"xyz\" =}' ::: {1..12}; "
       "parallel -k -s 50 -m -j1 echo 'a{= $_.=\"xyz\" =}b' ::: {1..12}"},
      {"-N0", "parallel -k -N0 echo '{= $_=seq() =}' ::: a b"},
      {"nothing", "parallel -k echo a '{= $_=\"\" =}' b '{=3 $_=1 =}' ::: a"},
      {"newlines", "parallel -k echo '{= $_\n .= \"x\" =}' ::: a"},
      {"--tagstring", "parallel -k --tagstring '{= $_.=\"  x\" =} {2}' echo b ::: a ::: b"},
      {"--parens", "parallel -k --parens ,,,, echo ,, '$_.=\"x\"' ,, ,,1 '$_.=\"y\"',, ::: a b"},
      {"as the command", "echo p /bin/ls | parallel l{= s/p/s/ =}"},
      {"what looks like one in a value", "parallel -k echo {} {1} ::: '{=$_=3=}' '{}' '{#}'"},
      {"--filter", "parallel -k --filter '{1} < {2}' echo {#} {} ::: 1 2 3 ::: 1 2 3; :"},
      {"--filter twice",
       "parallel -k --plus --filter '\"{}\" ne \"b\"' --filter '\"{}\" ne \"c\"' "
       "echo {##} {#} {} ::: a b c d; :"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: replacement strings of one's own") {
  const CompatCase table[] = {
      {"fixed",
       "parallel -k --rpl '{odd} $_ = seq() % 2 ? \"odd\" : \"even\"' "
       "echo {odd} {2odd} {-1odd} ::: a b ::: c"},
      {"without braces", "parallel -k --rpl 'FOO $_ = uc' echo FOO xFOOx {} ::: a"},
      {"in place of {}",
       "parallel -k --rpl '{} $_ = \"x$_\"' echo {} {1} ::: a; "
       "parallel -k --tag --rpl '{} $_ = \"x$_\"' echo ::: a"},
      {"in place of one of --plus", "parallel -k --plus --rpl '{..} $_ = 1' echo {..} ::: a.b.c"},
      {"a group",
       "parallel -k --rpl '{%(.*?)} s/$$1//' echo {%.tar.gz} {%} {2%.gz} "
       "::: my.tar.gz ::: b.gz"},
      {"two groups", "parallel -k --rpl '{/(.+?)/(.*?)} s/$$1/$$2/;' echo {/ab/x} {/b/C} ::: abb"},
      {"groups in groups", "parallel -k --rpl '{a(b(c)d)} $_=\"$$1-$$2\"' echo {abcd} ::: a"},
      {"groups beside other text",
       "parallel -k -n3 --rpl '{/:%(.*?)} s:.*/(.*)$$1(\\.[^/]+)*$:$1:' "
       "echo {2} {2.} {3/:%_1} ::: a/b.c c/d.e f/g_1.h.i"},
      {"swapped", "parallel -k --rpl '{(.*?)/(.*?)} $_=\"$$2$_$$1\"' echo {swap/these} ::: -m-"},
      {"without an expression", "parallel -k --rpl '{a}' echo {a} {} ::: x.y"},
      {"longer ones first", "parallel -k --rpl 'X $_=1' --rpl 'XY $_=2' echo X XY XX ::: a"},
      {"with an argument's position",
       "parallel -k --rpl '{first} 1 $_ .= \"!\"' echo {first} "
       "::: a ::: b"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: other names for replacement strings") {
  const CompatCase table[] = {
      {"--bnr", "parallel -k --bnr FOO echo FOO {/} FOO. {1/} ::: a/b"},
      {"in braces", "parallel -k --bnr '{b}' echo '{b} {/} {1b} {2b} {-1b}' ::: a/b ::: c/d"},
      {"all",
       "parallel -k --er E --bner N --dnr D --seqreplace S --slotreplace L -j1 "
       "echo E N D S L {.} {/.} {//} {#} {%} {} ::: a/b.c"},
      {"in place of {}", "parallel -k --bnr '{}' echo '{}' ::: a/b.c"},
      {"-I", "parallel -k -I ,, echo ,, {} '{1}' ,,1 {.} ::: a/b.c"},
      {"-I with braces", "parallel -k -I '{x}' echo '{x} {} {1} {1x} {.} {2x}' ::: a/b.c ::: d"},
      {"-I and --tag", "parallel -k -I ,, --tag echo ,, ::: a"},
      {"blanks behind a position",
       "parallel -k echo '_{1 }_{1 .}_{ 1}_{1. }_{ }_{1\n /}_' ::: a/b.c"},
      {"--header",
       "parallel -k --header : echo '{foo} {foo.} {foo/} {foo//} {foo/.} {1foo} {baz}' "
       "::: foo a/b.c ::: bar d/e.f"},
      {"--header and expressions",
       "parallel -k --header : echo '{=foo $_.=\"x\" =} {=bar$_.=1=} {= $_.=\"y\" =}' "
       "::: foo a ::: bar b"},
      {"--header and --plus",
       "parallel -k --header : --plus echo '{foo..} {foo/b/X} {foo}' "
       "::: foo a/b.c.d"},
      {"--header and --colsep",
       "printf 'n a,b,c\\n1,2,3\\n4,5\\n' | "
       "parallel -k --colsep , --header : echo '{n a} {b} {c}_{1}'"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
