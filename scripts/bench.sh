#!/bin/sh
# bench.sh: the measurements of docs/benchmarks.md, against the release build.
set -eu
cd "$(dirname "$0")/.."
if [ ! -x Benchmarks/run.sh ]; then
    echo "bench: Benchmarks/run.sh is not there" >&2
    exit 1
fi
exec Benchmarks/run.sh "$@"
