#!/bin/sh
# fuzz.sh: runs each fuzzer of Fuzz/ for FUZZ_SECONDS (default 60).
set -eu
exec "$(dirname "$0")/../Fuzz/run.sh" "${FUZZ_SECONDS:-60}"
