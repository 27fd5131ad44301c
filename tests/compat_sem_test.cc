#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

TEST_CASE("compat: a semaphore") {
  const CompatCase table[] = {
      {"status", "parallel --semaphore --fg --id x 'echo a; exit 7'"},
      {"signal", "parallel --semaphore --fg --id x 'kill -TERM $$'"},
      {"no such command", "parallel --semaphore --fg --id x nosuchcommand"},
      {"words", "parallel --semaphore --fg --id x echo 'a  b' '|' tr a c"},
      {"-q", "parallel --semaphore --fg --id x -q echo 'a  b' '|' tr a c"},
      {"-q -v", "parallel --semaphore --fg --id x -q -v echo"},
      {"-v", "parallel --semaphore --fg --id x -v 'echo a'"},
      {"--tag", "parallel --semaphore --fg --id x --tag 'echo a'"},
      {"--dry-run", "parallel --semaphore --fg --id x --dry-run 'echo a'"},
      {"strings", "parallel --semaphore --fg --id x 'echo {}a{#}b{%}'"},
      {"stdin", "seq 3 | parallel --semaphore --fg --id x 'cat; echo done'"},
      {"stdin of a background job",
       "seq 3 | parallel --semaphore --id x cat; "
       "parallel --semaphore --id x --wait"},
      {"-a is stdin", "seq 3 >in; parallel --semaphore --fg --id x -a in cat"},
      {"--id implies it", "parallel --id x --fg echo a"},
      {"background, then --wait",
       "parallel --semaphore --id x 'sleep 0.3; echo a'; parallel --semaphore --id x --wait; "
       "echo b"},
      {"a mutex",
       "for i in 1 2 3; do parallel --semaphore --id x "
       "\"sleep 0.\\$((4 - $i)); echo $i\"; done; parallel --semaphore --id x --wait"},
      {"--st negative gives up",
       "parallel --semaphore --id x 'until [ -e go ]; do sleep 0.1; done'; "
       "parallel --semaphore --fg --id x --st -1 echo a; echo $?; >go; "
       "parallel --semaphore --id x --wait"},
      {"--joblog", "parallel --semaphore --fg --id x --joblog log 'echo a; exit 3'"},
      {"--timeout", "parallel --semaphore --fg --id x --timeout 2 'echo a; sleep 9'"},
      {"--nice", "parallel --semaphore --fg --id x --nice 3 nice"},
      {"--wd", "parallel --semaphore --fg --id x --wd / pwd"},
      {"grouped", "parallel --semaphore --fg --id x 'echo a; sleep 0.2; echo b' | cat"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
