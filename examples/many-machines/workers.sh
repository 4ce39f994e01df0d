#!/bin/sh
# Crawls a site with several workers of this machine, then joins what they have written.
# usage: workers.sh COUNT STATE OUT URL [OPTION...]      options are those of rill crawl
# On other machines run the same with other names, which joins nothing: their files lie elsewhere.
#   WORKER=b JOIN=no sh workers.sh 4 redis://10.0.0.5/?name=site ...
# Then, with all files beside OUT: rill join STATE OUT
set -e
RILL=${RILL:-rill} WORKER=${WORKER:-$(hostname)}
count=$1 state=$2 out=$3
shift 3
number=1 pids=
while [ "$number" -le "$count" ]; do
  $RILL crawl "$@" --state "$state" --out "$out" --worker "$WORKER-$number" -q &
  pids="$pids $!" number=$((number + 1))
done
# An interrupt ends all of them: what is in flight ends first, the rest stays in the state.
trap 'kill $pids 2>/dev/null' INT TERM
failed=0
for pid in $pids; do wait "$pid" || failed=$?; done
[ "$failed" -eq 0 ] || exit "$failed"
[ "${JOIN:-yes}" = no ] || $RILL join "$state" "$out"
