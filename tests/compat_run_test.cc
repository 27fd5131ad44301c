#include <doctest/doctest.h>

#include "support/compat.h"

using namespace enjoin::test;

namespace {

constexpr auto kAnyOrder = CompatCase::Order::kAnyOrder;

}  // namespace

TEST_CASE("compat: output") {
  const CompatCase table[] = {
      {"-k", "parallel -k -j3 'sleep 0.{}; echo {}' ::: 3 1 2"},
      // Half a second after the end of the job before, for GNU parallel to have noticed that.
      {"grouped by end",
       "after() { until [ -e $1 ]; do sleep 0.05; done; sleep 0.5; }; export -f after; "
       "parallel -j3 ::: 'after 3; echo 1' 'echo 2; >2' 'after 2; echo 3; >3'"},
      {"streams", "parallel -k 'echo o{}; echo e{} >&2' ::: 1 2 2>err; cat err"},
      {"--tag", "parallel -k --tag 'printf \"{}\\n\\nx\\n\"' ::: a b"},
      {"--tag without a last newline", "parallel -k --tag printf ::: a b"},
      {"--tag of several sources", "parallel -k --tag echo x ::: a b ::: 1"},
      {"--tag on stderr", "parallel -k --tag 'echo e >&2; :' ::: a b 2>&1"},
      {"--tag of blanks", "parallel -k --tag echo ::: 'a  b' \"c'd\""},
      {"--tagstring", "parallel -k --tagstring '<{#}:{/.}>' echo ::: d/e.f g"},
      {"--tagstring with a TAB", "parallel -k --tagstring 'a\\tb' echo ::: x"},
      {"--dry-run --tag", "parallel -k --dry-run --tag echo ::: a 'b c'"},
      {"-v", "parallel -k -v echo ::: 'a b' c"},
      {"-v and --tag", "parallel -k -v --tag echo ::: a b"},
      {"-v --tag --lb", "parallel -k -v --tag --lb echo ::: a b"},
      {"-t", "parallel -j1 -t echo ::: 'a b' c 2>&1 >out; cat out"},
      {"-u", "parallel -j1 -u 'echo {}' ::: a b"},
      {"-u -v", "parallel -j1 -u -v 'echo {}' ::: a b"},
      {"-u and --tag", "parallel -j1 -u --tag 'echo {}' ::: a b"},
      {"--lb", "parallel -j1 --lb 'echo {}; printf x; sleep 0.1; echo y' ::: a b"},
      {"--lb alternates",
       "after() { until [ -e $1 ]; do sleep 0.05; done; sleep 1; }; export -f after; "
       "parallel -j2 --lb ::: 'echo a; >a; after c; echo b' 'after a; echo c; >c'"},
      {"--lb without a last newline", "parallel -j1 --lb printf ::: a b"},
      {"--lb --tag", "parallel -j1 --lb --tag 'printf \"1\\n2\"' ::: a b"},
      {"--lb -k", "parallel -j2 -k --lb 'echo {}; sleep 0.{}; echo {}' ::: 4 1"},
      {"binary", "parallel -k -j2 'head -c 100000 /dev/zero | tr \"\\0\" {}' ::: a b | cksum"},
      {"--group", "parallel --group -k echo ::: a"},
      {"failing jobs", "parallel -k 'echo {}; exit {}' ::: 0 1 2"},
      {"/dev/stderr again", "parallel -k 'echo x{} >/dev/stderr' ::: 1 2 2>&1"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: exit status, joblog and fates") {
  const CompatCase table[] = {
      {"status", "parallel exit ::: 0 0; echo $?; parallel exit ::: 1 2 0 3; echo $?"},
      {"status of many", "seq 120 | parallel -j4 -N0 false"},
      {"joblog", "parallel -k --joblog log 'echo {}; exit {}' ::: 0 5 255"},
      {"joblog bytes", "parallel -k --joblog log 'seq {}; echo e >&2' ::: 10 100"},
      {"joblog of signals", "parallel -k --joblog log 'kill -{} $$' ::: 9 15 11", kAnyOrder},
      {"joblog of a timeout", "parallel -k --joblog log --timeout 2 'sleep {}; echo {}' ::: 30 0"},
      {"joblog of words", "parallel -k --joblog log echo 'a  b' {} ::: \"c'd\" 'e f' '$g'"},
      {"joblog order", "parallel -j1 --joblog log echo ::: a b c; cut -f1 log"},
      {"joblog appended", "parallel --joblog log echo ::: a; parallel --joblog +log echo ::: b"},
      {"joblog on stdout", "parallel -k --joblog - ::: true 'exit 3' | cut -f1,7,9"},
      {"--retries of each job's own",
       "parallel -j1 --retries {} 'echo x >>f{}; false' ::: 1 2 3; echo $?; wc -l f1 f2 f3"},
      {"--delay that adapts", "parallel -k -j2 --delay 0.1auto 'echo {}; exit {}' ::: 0 1 0"},
      // On a busy machine it may take more than that, but not each time.
      {"a job that takes all of its time",
       "for i in {1..9}; do parallel --timeout 1 'sleep 1; echo {}' ::: a && break; done"},
      {"joblog with -X", "parallel -k -j1 -X --joblog log echo ::: a b"},
      {"unknown program",
       "parallel --joblog log no-such-program-x ::: a 2>&1 | grep -c 'not found'"},
      {"not executable", ": >f; parallel --joblog log ./f ::: a"},
      {"retries", "parallel --retries 3 --joblog log 'echo x >>t{}; exit 1' ::: 1; wc -l <t1"},
      {"retries that succeed",
       "parallel -k -j1 --retries 4 --joblog log 'echo x >>t{}; test $(wc -l <t{}) -ge 3' ::: 1 2; "
       "wc -l <t1"},
      {"retries and output", "parallel -j1 --retries 3 'echo {}; exit 1' ::: a b"},
      {"halt now,fail=1",
       "parallel -j1 --halt now,fail=1 --joblog log 'echo {}; exit {}' ::: 0 4 0 0"},
      {"halt soon,fail=1", "parallel -j1 --halt soon,fail=1 'echo {}; exit {}' ::: 0 4 0 0"},
      {"halt now,fail=2", "parallel -j1 --halt now,fail=2 'echo {}; exit {}' ::: 0 4 5 0"},
      {"halt success", "parallel -j1 --halt now,success=1 'echo {}; exit {}' ::: 4 0 5"},
      {"halt success not met", "parallel -j1 --halt now,success=1 'echo {}; exit {}' ::: 4 5"},
      {"halt done", "parallel -j1 --halt soon,done=2 'echo {}; exit {}' ::: 4 5 6"},
      {"halt percent", "parallel -j1 --halt soon,fail=30% 'echo {}; exit {}' ::: 0 1 0 1 0 1 0 0"},
      {"halt percent of stdin",
       "printf '1\\n1\\n0\\n0\\n0\\n' | parallel -j1 --halt soon,fail=40% exit"},
      {"halt old forms",
       "parallel -j1 --halt 1 'echo {}; exit {}' ::: 0 6 0; echo $?; parallel -j1 --halt 2 "
       "'echo {}; exit {}' ::: 0 6 0; echo $?; parallel -j1 --halt -1 'echo {}; exit {}' ::: 6 0 "
       "6"},
      {"halt with -k",
       "parallel -k -j2 --halt now,fail=1 '[ {} = 1 ] && sleep 30; exit {}' ::: 1 7"},
      {"halt by a signal", "parallel -j1 --halt now,fail=1 'kill -{} $$' ::: 9 1 2>&1"},
      {"timeout", "parallel -k --timeout 2 'echo {}; sleep {}; echo ended' ::: 0 30"},
      {"delay", "parallel -k -j2 --delay 0.2 echo ::: a b c"},
      {"halt stops a running job",
       "parallel -j2 --halt now,fail=1 --joblog log ::: '>up; sleep 30; echo never' "
       "'until [ -e up ]; do sleep 0.05; done; exit 3'; echo $?; cut -f1,7 log"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}

TEST_CASE("compat: what jobs find around themselves") {
  const CompatCase table[] = {
      {"environment", "export A='x  y'; parallel -k 'echo \"$A\" {}' ::: 1"},
      {"variables",
       "parallel -k -j1 'echo $PARALLEL_SEQ $PARALLEL_JOBSLOT; test $PARALLEL_PID -gt 1; echo $? "
       "{}' ::: "
       "a b"},
      {"functions",
       "f() { printf '<%s>' \"$@\"; echo; }; export -f f; parallel -k f ::: 'a b' \"c'd\" '*' "
       "'$x'"},
      {"functions in a line",
       "f() { echo f$1; }; export -f f; parallel -k 'f {} | tr f g; f 2' ::: 1"},
      {"shell",
       "parallel -k 'echo ${BASH_VERSION:+bash} {}' ::: 1; parallel -k '[[ {} == a* ]] && echo y' "
       "::: ab"},
      {"PARALLEL_SHELL",
       "PARALLEL_SHELL=/bin/sh parallel -k 'echo x${BASH_VERSION:+bash} {}' ::: 1"},
      {"started by sh", "sh -c \"parallel -k 'echo x\\${BASH_VERSION:+bash} {}' ::: 1; true\""},
      {"nice", "parallel --nice 3 -N0 nice ::: 1"},
      {"umask and folder",
       "mkdir d; cd d; umask 027; parallel 'touch {}; stat -c %a {}; pwd | sed s,.*/,,' ::: x"},
      {"builtins",
       "parallel -k ::: 'type cd' 'X=1 eval echo \\$X' 'test 1 = 1' '[ a ]' ': x' 'true'"},
      {"redirection", "parallel -k 'echo {} >f{}' ::: 1 2; cat f1 f2"},
      {"globs", "touch a.x b.x; parallel -k 'echo *.x {}' ::: 1"},
      {"pipes", "parallel -k 'echo {} | rev' ::: abc"},
      {"tilde", "HOME=/h; export HOME; parallel -k echo '~' {} ::: 1"},
      {"comments", "parallel -k 'echo {} # more' ::: 1"},
      {"no newline in the middle", "parallel -k 'echo 1\necho {}' ::: 2"},
      {"-j forms",
       "parallel -k -j200% echo ::: a; parallel -k -j+1 echo ::: b; parallel -k -j0 echo ::: c; "
       "parallel -k "
       "-P3 echo ::: d; echo 2 >n; parallel -k -j n echo ::: e"},
      {"options end",
       "parallel -k echo -k -v --tag ::: a; parallel -k -- echo ::: b; parallel -kj1 echo {%} ::: "
       "c"},
      {"abbreviations", "parallel --keep --max-p 1 echo ::: a b"},
      {"-u keeps the terminal's order", "parallel -j1 -u echo ::: a b"},
  };
  for (const CompatCase& compat : table) check_same(compat);
}
