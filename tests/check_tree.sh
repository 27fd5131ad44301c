#!/usr/bin/env bash
# Rules about the tree that no compiler checks: layers, format, names, spelling. Prints what breaks
# one as FILE:LINE: what, and exits 1; silent and 0 where all is well. Run from anywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0
report() { printf '%s\n' "$@"; bad=1; }

# matches REGEX MESSAGE FILE...: no line of these files may match.
matches() {
  local regex=$1 message=$2 hits
  shift 2
  [ $# -gt 0 ] || return 0
  hits=$(grep -nHE -- "$regex" "$@" || true)
  [ -z "$hits" ] || report "${hits//$'\n'/    <- $message$'\n'}    <- $message"
}

sources() { find "$@" -type f \( -name '*.h' -o -name '*.cc' \) 2>/dev/null | sort; }
readarray -t public < <(sources include)
readarray -t ipc < <(sources ipc)
readarray -t worker < <(sources worker)
readarray -t runner < <(sources runner)
readarray -t code < <(sources include ipc worker runner tests bench examples)
readarray -t texts < <(find . \( -path ./.git -o -path ./build -o -path ./.cache \) -prune -o -type f \
  \( -name '*.h' -o -name '*.cc' -o -name '*.md' -o -name '*.txt' -o -name '*.cmake' -o -name '*.sh' \
  -o -name '*.py' -o -path './scripts/*' -o -path './.ci/*' \) ! -path ./tests/check_tree.sh -print | sort)

# Layers: include/enjoin <- ipc <- worker <- runner.
include='^ *# *include *'
matches "$include\"(ipc|worker|runner)/" 'public headers include std and each other only' "${public[@]}"
readarray -t cxx_public < <(printf '%s\n' "${public[@]}" | grep -vx 'include/enjoin/c\.h')
matches "$include<[^>]*[/.]" 'public headers include std and each other only' "${cxx_public[@]}"
matches "$include\"(worker|runner)/" 'ipc/ is below worker/ and runner/' "${ipc[@]}"
matches "$include\"runner/" 'worker/ is below runner/' "${worker[@]}"
matches "${include}[<\"]boost/interprocess" 'Boost.Interprocess only inside ipc/' \
  "${public[@]}" "${worker[@]}" "${runner[@]}"
readarray -t no_options < <(printf '%s\n' "${code[@]}" | grep -vE '^runner/cli/(option|tokenizer)[a-z_]*\.cc$')
matches "${include}[<\"]boost/program_options" 'Program_options only where options are parsed' \
  "${no_options[@]}"
matches "${include}[<\"]fmt/" 'fmt only in runner/' "${public[@]}" "${ipc[@]}" "${worker[@]}"
readarray -t no_pcre < <(printf '%s\n' "${code[@]}" | grep -vx 'runner/regex\.cc')
matches "${include}<pcre2" 'PCRE2 only in runner/regex.cc' "${no_pcre[@]}"
# Each library of the pipelines has its place.
only_in() {  # HEADER PLACE
  local others
  readarray -t others < <(printf '%s\n' "${code[@]}" | grep -vE "^$2")
  matches "${include}[<\"]$1" "only in $2" "${others[@]}"
}
only_in 'toml\+\+/' 'runner/pipeline/toml_[a-z_]*\.cc$'
only_in 'rapidjson/' '(runner/jsonl|examples/library)/'
only_in 'sqlite3\.h' 'runner/record/'
only_in 'xxhash\.h' 'runner/record/identity\.cc$'
matches "$include<iostream>" 'no iostream' "${public[@]}" "${ipc[@]}" "${worker[@]}" "${runner[@]}"
matches "$include<regex>" 'no regex in the worker' "${public[@]}" "${ipc[@]}" "${worker[@]}"

for file in "${code[@]}"; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 500 ] || report "$file:$lines: a file has at most 500 lines"
  case $file in
    *.h) grep -qx '#pragma once' "$file" || report "$file:1: no #pragma once" ;;
  esac
done

# Descriptors are born close-on-exec, so that no job inherits one of ours: each call that makes one
# says CLOEXEC, or has its flags in a constant that does, or a comment that says why not.
readarray -t product < <(printf '%s\n' "${ipc[@]}" "${worker[@]}" "${runner[@]}")
leaks=$(awk -v call='(^|[^A-Za-z0-9_>])(::|std::)(open|openat|creat|pipe2?|socket|socketpair|dup|dup3|fopen|tmpfile|popen|mkstemp|mkostemp|accept4?|epoll_create1?|memfd_create|eventfd|signalfd|timerfd_create|inotify_init1?|recvmsg)[(]' '
  FNR == 1 { text = before = "" }
  text != "" { text = text " " $0 }
  text == "" && $0 ~ call && $0 !~ /^ *\/\// { text = before " " $0; at = FNR }
  text != "" && /[;{]/ {
    if (text !~ /CLOEXEC|[(, ](kFlags|kWalk|flags|mode)[ ,)]|, "[rwa]\+?e"/) print FILENAME ":" at ": " $0
    text = ""
  }
  { before = $0 }' "${product[@]}")
[ -z "$leaks" ] || report "${leaks//$'\n'/    <- not close-on-exec$'\n'}    <- not close-on-exec"

# Scripts can be run, and only they.
while IFS= read -r file; do
  if head -c 2 "$file" | grep -q '#!'; then
    [ -x "$file" ] || report "$file:1: has #! but is not executable"
  elif [ -x "$file" ]; then
    report "$file:1: is executable but has no #!"
  fi
done < <(printf '%s\n' "${texts[@]}" ./tests/check_tree.sh)

matches '[[:space:]]+$' 'blanks at the end of the line' "${texts[@]}"
matches '\b(TODO|FIXME|XXX|HACK)\b' 'say it in an issue' "${texts[@]}"
matches '^(<<<<<<<|>>>>>>>) ' 'a merge left this' "${texts[@]}"
matches '(^|[^[:alnum:]_./-])/(home|root|Users)/[[:alnum:]]' "a path of one person's machine" "${texts[@]}"
matches '\b([Tt]eh|[Rr]ecieve[ds]?|[Ss]eperat(e|ed|ely)|[Oo]ccur(ed|ing)|[Oo]ccurance|[Uu]ntill|[Ss]ucess(ful)?|[Ee]xistan(t|ce)|[Nn]eccessary|[Cc]ancell?ation[s]? of of|the the|is is)\b' \
  'spelling' "${texts[@]}"
if command -v codespell >/dev/null; then
  codespell --ignore-words-list=inout,ot,te,kno,nd "${texts[@]}" || bad=1
fi

# Another version of the formatter formats otherwise, so only the one of Debian 12 judges.
if clang-format --version 2>/dev/null | grep -q 'version 14\.' && [ ${#code[@]} -gt 0 ]; then
  clang-format --dry-run -Werror "${code[@]}" || bad=1
fi
exit $bad
