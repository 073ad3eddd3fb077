#!/bin/sh
# bench.sh: the measurements of docs/benchmarks.md, against the release build. ARGS: options of Benchmarks/run.
set -eu
cd "$(dirname "$0")/.."
# Words of ARGS are separate options.
# shellcheck disable=SC2086
exec Benchmarks/run ${ARGS:-} "$@"
