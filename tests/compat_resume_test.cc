#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

// Warnings of ours go to stderr, which is not compared.
TEST_CASE("compat: resuming") {
  const CompatCase table[] = {
      {"--resume of nothing", "parallel -k --resume --joblog log echo ::: 1 2"},
      {"--resume with more inputs",
       "parallel -k --joblog log 'echo {}; exit {}' ::: 0 1 2; "
       "parallel -k --resume --joblog log 'echo r{}; exit {}' ::: 0 1 2 3 4"},
      {"--resume with fewer inputs",
       "parallel -k --joblog log echo ::: 1 2 3; parallel -k --resume --joblog log echo ::: 1"},
      {"--resume with another command and numbers",
       "parallel -k --joblog log echo ::: a b; "
       "parallel -k --resume --joblog log 'echo {#}-{}' ::: a b c d"},
      {"--resume of +log",
       "parallel --joblog log echo ::: a; parallel --resume --joblog +log echo ::: a b"},
      {"--resume with holes",
       "parallel -k --joblog log echo ::: 1 2 3 4; sed -i '3d' log; "
       "parallel -k --resume --joblog log echo r ::: 1 2 3 4 5"},
      {"--resume of an unfinished log after --halt",
       "parallel -j1 --halt now,fail=1 --joblog log 'echo {}; exit {}' ::: 0 3 0 0; "
       "parallel -k --resume --joblog log 'echo {}; exit {}' ::: 0 3 0 0"},
      {"--resume-failed",
       "parallel -k --joblog log 'echo {}; exit {}' ::: 0 1 0 2; "
       "parallel -k --resume-failed --joblog log 'echo again {}; true' ::: 0 1 0 2 6"},
      {"--resume-failed twice",
       "parallel -k --joblog log 'exit {}' ::: 0 1 2; "
       "parallel -k --resume-failed --joblog log 'exit {}' ::: 0 1 2; echo $?; "
       "parallel -k --resume-failed --joblog log 'echo {}' ::: 0 1 2; echo $?; "
       "parallel -k --resume-failed --joblog log 'echo {}' ::: 0 1 2"},
      {"--resume-failed of a signal and a timeout",
       "parallel -k --joblog log --timeout 2 ::: 'kill -9 $$' 'sleep 30' true; "
       "parallel -k --resume-failed --joblog log echo ::: a b c"},
      {"--resume and --resume-failed",
       "parallel --joblog log 'exit {}' ::: 0 1; "
       "parallel -k --resume --resume-failed --joblog log echo ::: 0 1 2"},
      {"--retry-failed",
       "parallel -k --joblog log 'echo {}; exit {}' ::: 0 1 0 2; "
       "parallel -k --retry-failed --joblog log; echo $?"},
      {"--retry-failed ignores the command line",
       "parallel -k --joblog log 'echo {}; exit {}' ::: 0 1 0 2; "
       "parallel -k --retry-failed --joblog log echo x{} ::: 7 8 9"},
      {"--retry-failed until all is well",
       "parallel -j1 --joblog log 'echo {}; [ -e f{} ] || { touch f{}; false; }' ::: a b; "
       "parallel -j1 --retry-failed --joblog log; parallel -j1 --retry-failed --joblog log"},
      {"--retry-failed of several lines",
       "parallel -j1 --joblog log 'echo a\necho {}; false' ::: 1 2; "
       "parallel -j1 --retry-failed --joblog log 2>/dev/null"},
      {"--retry-failed --tag",
       "parallel -j1 --joblog log 'echo {}; false' ::: 1; "
       "parallel -j1 --retry-failed --tag --joblog log"},
      {"--retry-failed of all three",
       "parallel -j1 --joblog log 'echo {}; false' ::: 1; "
       "parallel -j1 --resume --resume-failed --retry-failed --joblog log echo ::: 1 2"},
      {"--resume -n2",
       "parallel -k -n2 --joblog log echo ::: 1 2 3 4; "
       "parallel -k -n2 --resume --joblog log echo ::: 1 2 3 4 5 6"},
      {"--resume --pipe",
       "seq 4 | parallel -k --pipe -N2 --joblog log cat; "
       "seq 7 | parallel -k --pipe -N2 --joblog log --resume cat"},
      {"--resume --results",
       "parallel -k --results out/ echo ::: 1 2 >x; "
       "parallel -k --resume --results out/ echo r ::: 1 2 3 >x; cat out/1/*/stdout"},
      {"--resume without a log", "parallel --resume echo ::: 1; echo $?"},
      {"--dry-run --resume",
       "parallel -k --joblog log echo ::: 1; "
       "parallel -k --dry-run --resume --joblog log echo ::: 1 2 3"},
      {"total_jobs counts all",
       "parallel -k --joblog log echo ::: 1; "
       "parallel -k --plus --resume --joblog log echo {#}/{##} ::: 1 2 3"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: how a halted run ends") {
  const CompatCase table[] = {
      {"rules met and not met, alone",
       "for h in never 0 1 2 -1 -2 20% 50% now,fail=1 soon,fail=2 now,fail=50% soon,fail=30% "
       "now,success=2 now,success=50% soon,success=100% now,done=3 soon,done=50% now,done=100% "
       "now,fail=99 1% 200%; do parallel -j1 --halt $h 'echo {#}:{}; exit {}' ::: 0 3 0 2 5; "
       "echo $h $?; parallel -j1 --halt $h 'echo {#}:{}; exit {}' ::: 0 0 0; echo $h $?; done"},
      {"soon: what ends later does not count",
       // The first job ends half a second after the one that stops the run.
       "for h in soon,fail=2 soon,fail=50% soon,done=2 soon,done=50%; do rm -f last; "
       "case $h in *fail*) export last=3;; *) export last=0;; esac; parallel -j2 --halt $h "
       "'if [ {} = 8 ]; then until [ -e last ]; do sleep 0.05; done; sleep 0.5; fi; "
       "[ {} != $last ] || >last; exit {}' ::: 8 2 0 3; echo $h $?; done"},
      {"now: what is killed does not count",
       "for h in now,fail=2 now,done=2 now,done=50%; do "
       "parallel -j2 --halt $h 'sleep {}; exit {}' ::: 9 1 0 1; echo $h $?; done"},
      {"a timeout decides", "parallel -j1 --halt now,fail=1 --timeout 0.5 sleep ::: 9 9; echo $?"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
