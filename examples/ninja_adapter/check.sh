#!/bin/sh
# check.sh NINJA-ENJOIN NINJA-STOCK: both build the same graph, and must say and do the same; then
# what only ours promises: nothing is left of a build that was killed.
set -eu
ours=$(readlink -f "$1")
stock=$(readlink -f "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkfifo told

cat >rules.ninja <<'END'
rule sh
  command = $cmd
rule console
  command = $cmd
  pool = console
rule copy_if_changed
  command = cmp -s $in $out || cp $in $out
  restat = 1
rule from_response
  command = cat $out.rsp; cp $out.rsp $out
  rspfile = $out.rsp
  rspfile_content = what it holds
build ok: sh
  cmd = echo to stdout; echo to stderr >&2; echo to stdout again; : >ok
build bad: sh
  cmd = echo failing; exit 3
build killed: sh
  cmd = kill -9 $$$$
build after_bad: sh bad
  cmd = : >after_bad
build on_console: console
  cmd = echo on the console; : >on_console
build middle: copy_if_changed source
build end: sh middle
  cmd = echo the end; cp middle end
build with_file: from_response | end
build slow: sh
  cmd = sleep 1000 & echo $$! >slow.pid; echo >../told; wait
END

scenario() {
  mkdir "$2"
  (
    cd "$2"
    cp ../rules.ninja build.ninja
    echo one >source
    for targets in ok "bad after_bad" "-k0 bad ok killed" killed on_console end "-j2 end with_file" \
      "-n ok" "-t clean" "-v -j3 ok end with_file on_console"; do
      echo "== $targets"
      # shellcheck disable=SC2086  # several words
      "$1" $targets 2>&1 && echo "status 0" || echo "status $?"
    done
    sleep 1.1  # ninja compares times of files
    echo one >source
    "$1" end
    "$1" end
    ls
  ) >"$2.said" 2>&1
}
scenario "$stock" stock
scenario "$ours" ours
# Of commands that run at once either may end first.
for said in stock ours; do
  sed 's/^\[[0-9]*\//[N\//' $said.said | sort >$said.sorted
done
diff stock.sorted ours.sorted

gone() {
  while kill -0 "$1" 2>/dev/null; do sleep 0.05; done
}
for signal in INT KILL; do
  (cd ours && exec env -u MAKEFLAGS "$ours" slow >slow.said 2>&1) &
  ninja=$!
  read -r _ <told
  kill -s $signal $ninja
  wait $ninja && exit 1
  gone "$(cat ours/slow.pid)"
done
echo "ninja on enjoin does what stock ninja does"
