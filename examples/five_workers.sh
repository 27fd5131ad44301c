#!/usr/bin/env bash
# five_workers.sh: ten jobs for five workers. Courses on threads set this exercise, and each ends
# with a lock around print(), or else two threads' lines run into each other. Here nobody takes a
# lock: what a job writes is held until the job has ended, and then printed in one piece.
set -euo pipefail

job() {
  # In three parts, slowly: with -u instead of the grouped default, lines get mixed.
  printf 'job %s ' "$1"
  sleep 0.0$((RANDOM % 10))
  printf 'is done by worker %s\n' "$PARALLEL_JOBSLOT"
  sleep 0.0$((RANDOM % 10))
  printf '  and %s times %s is %s\n' "$1" "$1" $(($1 * $1))
}
export -f job  # jobs may be functions of bash

enjoin -j5 job ::: {1..10}
