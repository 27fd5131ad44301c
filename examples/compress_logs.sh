#!/usr/bin/env bash
# compress_logs.sh FOLDER: compresses every *.log below FOLDER, several at a time, and unpacks each
# result again to compare it. A file is removed only when its compressed copy is proven equal.
# Names may hold blanks, quotes and newlines. Exit status: 0, or the number of files that failed.
set -euo pipefail
folder=${1:?which folder}

# One job a file. The shell that enjoin starts for a job needs no quotes around {}: every input is
# quoted as it is put in.
find "$folder" -type f -name '*.log' -print0 |
  enjoin -0 -r --joblog "$folder/compress.joblog" \
    'gzip -kf {} && gzip -dc {}.gz | cmp -s - {} && rm {}' || status=$?

awk -F '\t' 'NR > 1 { jobs++; bad += $7 != 0 }
  END { printf "%d logs compressed, %d failed\n", jobs - bad, bad }' "$folder/compress.joblog"
exit "${status:-0}"
