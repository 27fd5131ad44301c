#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

TEST_CASE("compat: how options are written") {
  const CompatCase table[] = {
      {"bundles",
       "parallel -kj2 echo ::: a b; parallel -kvj 1 echo ::: c; parallel -j+0 echo ::: d"},
      {"abbreviations",
       "parallel -k --joblo log echo ::: a; parallel -k --max-arg 2 echo ::: a b c"},
      {"abbreviated twice", "parallel --keep --tags x --max-p 1 --dr echo ::: a b"},
      {"capitals", "parallel --KEEP-order --Max-Args 2 echo ::: a b c"},
      {"letters as names", "parallel --k --l 2 echo ::: a b c"},
      {"--", "parallel -k -- echo ::: a b"},
      {"spellings of -j",
       "for o in -j -P --jobs --max-procs --maxprocs; do parallel $o 2 -k echo "
       "::: $o b; done"},
      {"-i with a word", "parallel -k -i@ echo x@ ::: a; parallel -k -i @ echo x@ ::: b"},
      {"-i without", "parallel -k -i -k echo x{} ::: a b"},
      {"--replace", "parallel -k --replace=@ echo x@ ::: a; parallel -k --replace @ echo x@ ::: b"},
      {"-e", "parallel -k -eb echo ::: a b c; parallel -k -e b echo ::: a b c"},
      {"--eof", "parallel -k --eof=b echo ::: a b c; parallel -k -E b echo ::: a b c"},
      {"-l",
       "parallel -k -l2 echo ::: a b c; parallel -k -l 2 echo ::: a b c; parallel -kl echo ::: "
       "a b"},
      {"--arg-sep",
       "parallel -k --arg-sep ,, echo ,, a ,,+ b ::: c; parallel -k --arg-sep + echo + "
       "a b ++ c d"},
      {"--arg-file-sep", "seq 2 >f; parallel -k --arg-file-sep @ echo {} :::: @ f"},
      {"courtesies", "parallel --will-cite --gnu --no-notice --nn -k -S : echo ::: a"},
      {"--minversion", "parallel --minversion 20200101; parallel --minversion 29990101; echo $?"},
      {"--tty", "parallel --tty -j2 -k echo ::: a </dev/null"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: options from elsewhere") {
  const CompatCase table[] = {
      {"$PARALLEL", "export PARALLEL='-k --tag'; parallel echo v{} ::: a b"},
      {"$PARALLEL quoted", "PARALLEL='-k --tagstring \"a  b\" -I\\ @' parallel echo ' @' ::: 1 2"},
      {"$PARALLEL and a command", "PARALLEL='-k --tag echo' parallel x ::: a b"},
      {"$PARALLEL loses", "PARALLEL='-k --tagstring a' parallel --tagstring b echo ::: 1 2"},
      {"--plain", "PARALLEL=--tag parallel --plain echo ::: a"},
      {"profiles",
       "export HOME=$PWD; mkdir .parallel; printf '# x\\n--tag\\n-k\\n' >.parallel/config; printf "
       "-- '-kv\\nnice' >.parallel/p; printf -- '--tagstring x' >q; parallel echo ::: a b; "
       "parallel "
       "-J p echo ::: a b; PARALLEL=-v parallel -J ./q -J p echo ::: a; parallel -J $PWD/q echo "
       "::: b"},
      {"a script's first line",
       "printf '#!%s --shebang -k echo x\\na\\nb\\n' $(command -v parallel) >s; chmod +x s; ./s"},
      {"a wrapped script",
       "printf '#!%s --shebang-wrap -k /bin/bash -e\\necho \"$#:$@\"\\n' $(command -v parallel) "
       ">s; "
       "chmod +x s; ./s a b; seq 2 | ./s"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
