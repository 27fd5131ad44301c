#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

namespace {

constexpr auto kAnyOrder = CompatCase::Order::kAnyOrder;

}  // namespace

TEST_CASE("compat: --pipe gives blocks of stdin to jobs") {
  const CompatCase table[] = {
      {"one block", "seq 5 | parallel --pipe cat"},
      {"blocks", "seq 100000 | parallel --pipe --block 100k -k cat | md5sum"},
      {"sizes", "seq 100000 | parallel --pipe --block 100k -k wc"},
      {"many small", "seq 2000 | parallel -j4 --pipe --block 100 -k md5sum"},
      {"any order", "seq 3000 | parallel -j4 --pipe --block 1k wc", kAnyOrder},
      {"no last newline", "printf 'a\\nb' | parallel --pipe -k -N1 'cat; echo .'"},
      {"records", "seq 7 | parallel --pipe -N2 -k 'echo {#}; cat'"},
      {"-n", "seq 7 | parallel --pipe -n3 -k 'echo {#}; cat'"},
      {"-L", "seq 12 | parallel --pipe -L3 -k 'echo {#}; cat'"},
      {"{} is empty", "seq 2 | parallel --pipe -N1 -k -v 'echo x{}x {#}; cat'"},
      {"a pipe it is", "seq 2 | parallel --pipe 'test -p /dev/stdin && echo pipe; cat'"},
      {"empty", ": | parallel --pipe 'echo ran; cat'; echo $?"},
      {"empty -r", ": | parallel --pipe -r 'echo ran; cat'; echo $?"},
      {"a blank line -r", "echo | parallel --pipe -r 'echo ran; cat'"},
      {"no command", "seq 3 | parallel --pipe 2>/dev/null </dev/null; echo $?"},
      {"failing jobs", "seq 6 | parallel --pipe -N2 -k 'cat; exit 3'; echo $?"},
      {"a function", "f() { wc -l; }; export -f f; seq 9 | parallel --pipe -N4 -k f"},
      {"shell words", "seq 4 | parallel --pipe -N2 -k read x ';' echo '$x'"},
      {"--dry-run", "seq 6 | parallel --pipe -N2 -k --dry-run cat '|' sort"},
      {"--spreadstdin", "seq 3 | parallel -k --spreadstdin cat"},
      {"--recstart",
       "printf '>a\\n1\\n>b\\n2\\n' | parallel --pipe --recstart '>' -N1 -k 'cat; echo .'"},
      {"slow input", "(seq 3; sleep 0.2; seq 4 6) | parallel --pipe -N3 -k 'echo {#}; cat'"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: --pipe with the other options") {
  const CompatCase table[] = {
      {"joblog", "seq 5 | parallel --pipe -N2 -k --joblog log cat"},
      {"joblog of failures", "seq 5 | parallel --pipe -N2 -k --joblog log 'cat; exit 4'"},
      {"--retries", "seq 4 | parallel --pipe -N2 -k --joblog log --retries 3 'cat; false'"},
      {"--retries until good",
       "seq 4 | parallel --pipe -N2 -k --retries 5 'echo >>n{#}; cat; test $(wc -l <n{#}) = 3'"},
      {"--tag", "seq 4 | parallel --pipe -N2 -k --tag 'echo {#}; cat'"},
      {"--tagstring", "seq 4 | parallel --pipe -N2 -k --tagstring 'job {#}' cat"},
      {"-v", "seq 4 | parallel --pipe -N2 -k -v 'cat | wc -l'"},
      {"--lb", "seq 4 | parallel --pipe -N2 -j1 --lb cat"},
      {"-u", "seq 4 | parallel --pipe -N2 -j1 -u cat"},
      {"--halt now", "seq 9 | parallel --pipe -N1 -j1 --halt now,fail=2 'cat; false'; echo $?"},
      {"--timeout",
       "seq 2 | parallel --pipe -N1 -j2 -k --timeout 2 'cat; exec sleep 9' 2>/dev/null; echo $?"},
      {"{%} of one slot", "seq 4 | parallel --pipe -N2 -j1 'echo {%} {#}; cat'"},
      {"several sources", "seq 6 | parallel --pipe -k 'echo {1} {2}; cat' ::: a b ::: c"},
      {"--env", "V=x; export V; seq 2 | parallel --pipe --env V 'echo $V; cat'"},
      {"in a pipeline",
       "seq 1000 | parallel --pipe --block 500 -k 'grep 7' | parallel --pipe -k --block 1k wc -l | "
       "awk '{n += $1} END {print n}'"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: --cat and --fifo") {
  const CompatCase table[] = {
      {"--cat", "seq 6 | parallel --pipe --cat -N2 -k 'echo {#}; cat {}'"},
      {"--cat alone", "seq 6 | parallel --cat -k 'wc -l < {}'"},
      {"--cat without {}", "seq 6 | parallel --pipe --cat -N2 -k -v wc -l '<'"},
      {"--cat is a file", "seq 6 | parallel --pipe --cat -N2 -k 'test -f {} && cat {} {}'"},
      {"--cat and stdin", "seq 6 | parallel --pipe --cat -N4 -k 'cat; wc -l <{}'"},
      {"--cat -v", "seq 4 | parallel --pipe --cat -N2 -k -v cat {}"},
      {"--cat --tag", "seq 4 | parallel --pipe --cat -N2 -k --tag cat {}"},
      {"--cat --joblog", "seq 4 | parallel --pipe --cat -N2 -k --joblog log cat {}"},
      {"--cat --dry-run", "seq 4 | parallel --pipe --cat -N2 -k --dry-run cat {}"},
      {"--fifo", "seq 6 | parallel --pipe --fifo -N2 -k 'test -p {} && cat {}'"},
      {"--fifo big", "seq 300000 | parallel --pipe --fifo -k --block 1M 'cat {}' | md5sum"},
      {"--pipe-part --cat",
       "seq 6 >f; parallel --pipe-part -a f --block 4 --cat -k 'cat {}; echo .'"},
      {"--pipe-part --fifo",
       "seq 6 >f; parallel --pipe-part -a f --block 4 --fifo -k 'cat {}; echo .'"},
      {"nothing is left",
       "export TMPDIR=$PWD/t; mkdir t; seq 6 | parallel --pipe --cat -N2 -k cat {}; "
       "seq 6 | parallel --pipe --fifo -N2 -k cat {}; ls t"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: --round-robin, --tee, --shard and --bin") {
  const CompatCase table[] = {
      {"by turns", "seq 7 | parallel --pipe --round-robin -j3 -N1 -k 'echo {#} {%}; cat'"},
      {"fewer than slots", "seq 2 | parallel --pipe --round-robin -j4 -N1 -k 'echo {#}; cat'"},
      {"nothing by turns", ": | parallel --pipe --round-robin -j4 'echo ran; cat'"},
      {"all by turns",
       "seq 100000 | parallel --pipe --round-robin -j3 --block 10k cat | sort -n | md5sum"},
      {"arguments by turns",
       "seq 6 | parallel --pipe --round-robin -N1 -j3 -k 'echo {#} {}; cat' ::: a b c d"},
      {"files by turns", "seq 6 >f; parallel --pipe-part -a f --block 4 --round-robin -j1 -k cat"},
      {"--tee", "seq 3 | parallel --pipe --tee -k 'echo {}; cat' ::: a b"},
      {"--tee of much", "seq 200000 | parallel --pipe --tee -k 'echo {}; md5sum' ::: a b c"},
      {"--tee of nothing", ": | parallel --pipe --tee -k 'echo {}; cat' ::: a b"},
      {"--tee beyond the slots",
       "seq 3 | parallel --pipe --tee -j1 -k cat ::: a b 2>/dev/null; echo $?"},
      {"--tee, two sources",
       "seq 3 | parallel --pipe --tee -k 'echo {2}{1}; wc -l' ::: a b ::: 1 2"},
      {"--tee, joblog", "seq 3 | parallel --pipe --tee -k --joblog log 'echo {}; cat' ::: a b"},
      {"--tee --cat", "seq 10 | parallel --pipe --tee --cat -k 'cat {} | wc -l' ::: a b"},
      {"--tee --fifo", "seq 10 | parallel --pipe --tee --fifo -k 'cat {} | wc -l' ::: a b"},
      {"--tee, one reads little",
       "seq 200000 | parallel --pipe --tee -k '{}' ::: 'head -n1' 'tail -n1'"},
      {"--tee of files", "seq 6 >f; parallel --pipe-part -a f --tee -k 'echo {}; cat' ::: a b"},
      {"--bin", "seq 7 | parallel --pipe --bin 1 -j3 -k 'echo {#}; cat'"},
      {"--shard by value",
       "printf '%s\\n' a b c a b c a b c | parallel --pipe --shard 1 -j2 'sort | uniq -c'",
       kAnyOrder},
      {"--shard of nothing", ": | parallel --pipe --shard 1 -j3 -k 'echo {#}; cat'"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: --pipe-part gives ranges of files") {
  const CompatCase table[] = {
      {"all", "seq 100000 >f; parallel --pipe-part -a f --block 50k -k cat | md5sum"},
      {"sizes", "seq 100000 >f; parallel --pipe-part -a f --block 100k -k wc"},
      {"default blocks", "seq 100 >f; parallel --pipe-part -j2 -a f -k wc"},
      {"--block -1", "seq 1000 >f; parallel --pipe-part -j2 -a f -k --block -1 wc -l"},
      {"two files",
       "seq 6 >f; seq 10 12 >g; parallel --pipe-part -a f -a g -k --block 4 'echo {#}; cat'"},
      {"::::",
       "seq 6 >f; seq 10 12 >g; parallel --pipe-part -k --block 4 'echo {#}; cat' :::: f g"},
      {"an empty file", ": >f; parallel --pipe-part -a f 'echo ran; cat'; echo $?"},
      {"{} is empty", "seq 3 >f; parallel --pipe-part -a f --block 1k -v 'echo {} x; cat'"},
      {"joblog", "seq 6 >f; parallel --pipe-part -a f --block 4 -k --joblog log cat"},
      {"--tag", "seq 6 >f; parallel --pipe-part -a f --block 4 -k --tag cat"},
      {"a pipe it is",
       "seq 6 >f; parallel --pipe-part -a f --block 1k 'test -p /dev/stdin && cat'"},
      {"--recend",
       "printf 'aEbEcE' >f; parallel --pipe-part -a f --recend E --block 2 -k 'cat; echo'"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
