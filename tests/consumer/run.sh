#!/usr/bin/env bash
# run.sh PREFIX SCRATCH: builds hosts of the library that is installed in PREFIX, by CMake and by
# pkg-config where there is one, and runs them; looks at what the library shows. For scripts/check.
set -euo pipefail
cd "$(dirname "$0")"
prefix=$1 scratch=$2/consumer
mkdir -p "$scratch"
expect() { [ "$1" = "$2" ] || { printf 'expected: %s\ngot:      %s\n' "$2" "$1"; exit 1; }; }

library=$(find "$prefix" -name libenjoin.so)
others=$(nm -D --defined-only -C "$library" | cut -c20- |
  grep -vE '^(enjoin::|enjoin_|(typeinfo|typeinfo name|vtable|guard variable) for enjoin::)' || true)
expect "$others" ''
expect "$(nm -D --defined-only -C "$library" | grep 'Impl::' || true)" ''  # nobody's but ours
# What is named there is named in a public header.
nm -D --defined-only -C "$library" | cut -c20- | grep -v '^enjoin_' |
  sed -E 's/^(typeinfo name|typeinfo|vtable|guard variable) for //; s/[(<].*//; s/\[abi:.*//; s/::/\n/g' |
  tr -d '~' | { grep -E '^[A-Za-z_]' || true; } | sort -u >"$scratch/names"
while read -r name; do
  grep -qrwF -- "$name" "$prefix/include/enjoin" || expect "$name is shown" "$name is in no public header"
done <"$scratch/names"
for header in "$prefix"/include/enjoin/*.h; do  # each stands alone
  case $header in
    */c.h) cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c -include "$header" /dev/null ;;
    *) c++ -std=c++20 -I"$prefix/include" -fsyntax-only -x c++ -include "$header" /dev/null ;;
  esac
done

cmake -S . -B "$scratch/cmake" -DCMAKE_PREFIX_PATH="$prefix"
cmake --build "$scratch/cmake"
expect "$("$scratch/cmake/shared")" '7 from a job'
expect "$("$scratch/cmake/c_shared")" 'from a job'
# A static library knows only the prefix that it was configured with, and this tree has moved.
helpers=$(dirname "$(find "$prefix" -name enjoin-executor)")
expect "$(ENJOIN_LIBEXEC=$helpers "$scratch/cmake/static")" '7 from a job'
expect "$(ENJOIN_LIBEXEC=$helpers "$scratch/cmake/c_static")" 'from a job'

command -v pkg-config >/dev/null || exit 0
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name enjoin.pc)")
export PKG_CONFIG_PATH
read -ra flags < <(pkg-config --cflags --libs enjoin)
c++ -std=c++20 consumer.cc -o "$scratch/by_pkg_config" "${flags[@]}" -Wl,-rpath,"$(dirname "$library")"
expect "$("$scratch/by_pkg_config")" '7 from a job'
cc -std=c99 consumer.c -o "$scratch/c_by_pkg_config" "${flags[@]}" -Wl,-rpath,"$(dirname "$library")"
expect "$("$scratch/c_by_pkg_config")" 'from a job'
