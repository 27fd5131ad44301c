#!/usr/bin/env bash
# sweep.sh FOLDER: a parameter sweep. Estimates pi by throwing darts, for each number of darts and
# each seed, and writes to FOLDER:
#   estimates   darts, seed and estimate, in the order of the parameters
#   joblog      one row a job: when, how long, exit status, command
# Then shows how good the estimates are, and which jobs took longest.
set -euo pipefail
folder=${1:?which folder}
mkdir -p "$folder"

throw() {
  awk -v darts="$1" -v seed="$2" 'BEGIN {
    srand(seed)
    for (i = 0; i < darts; i++) { x = rand(); y = rand(); hits += (x * x + y * y < 1) }
    printf "%d\t%d\t%.5f\n", darts, seed, 4 * hits / darts
  }'
}
export -f throw

# Two sources of inputs: a job for each combination. -k keeps the results in their order.
# shellcheck disable=SC1083
enjoin -k --joblog "$folder/joblog" throw {1} {2} ::: 1000 10000 100000 ::: 1 2 3 4 5 \
  >"$folder/estimates"

printf '%-8s %s\n' darts 'mean estimate'
awk -F '\t' '{ sum[$1] += $3; count[$1]++ }
  END { for (darts in sum) printf "%-8d %.5f\n", darts, sum[darts] / count[darts] }' \
  "$folder/estimates" | sort -n

# Columns of the joblog: Seq Host Starttime JobRuntime Send Receive Exitval Signal Command.
printf '\n%-8s %s\n' seconds 'slowest jobs'
sort -t $'\t' -k 4,4nr <(tail -n +2 "$folder/joblog") |
  awk -F '\t' 'NR <= 5 { printf "%-8.3f %s\n", $4, $9 }'
