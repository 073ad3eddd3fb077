#!/usr/bin/env bash
# Fuzz/run.sh SECONDS [startup|login|http]: runs each fuzzer (or the one named) for that long, from its seeds and findings.
# What it finds is kept in Fuzz/findings/<target>, which the tests replay. Exit 1 if anything was found.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: Fuzz/run.sh SECONDS [startup|login|http]}
targets=${2:-startup login http}
# With its backtraces on, a Swift program that traps under libFuzzer may hang.
export SWIFT_BACKTRACE=enable=no
work=.build/fuzz
found=0
for target in $targets; do
  case $target in
    startup) harness=Startup room=PostgresWire ;;
    login) harness=Login room=PostgresWire ;;
    http) harness=HTTP room=HTTPWire ;;
    *) echo "unknown fuzzer '$target': startup, login or http" >&2; exit 2 ;;
  esac
  case $room in
    PostgresWire) support=Postgres; flags="-I Sources/COpenSSL $(pkg-config --cflags --libs libcrypto)" ;;
    HTTPWire) support=HTTP; flags= ;;
  esac
  mkdir -p "$work/$target" "Fuzz/findings/$target"
  echo "== $target: building"
  # One module: the room, the checks, and the harness; so the checks see what is internal, and need no imports.
  # shellcheck disable=SC2086
  swiftc -O -parse-as-library -swift-version 6 -D FUZZING -module-name Fuzz -sanitize=fuzzer $flags \
    "Sources/$room"/*.swift Tests/WireTestSupport/CodecVerifier.swift Tests/WireTestSupport/"$support"*.swift \
    "Fuzz/$harness.swift" -o "$work/fuzz-$target"
  echo "== $target: running for $seconds s"
  # Inputs over 12,000 bytes can tell nothing new: the longest start-up packet has 10,004.
  "$work/fuzz-$target" -max_total_time="$seconds" -max_len=12000 -timeout=10 \
    -artifact_prefix="Fuzz/findings/$target/" "$work/$target" "Fuzz/seeds/$target" "Fuzz/findings/$target" \
    >"$work/$target.log" 2>&1 || {
      found=1
      echo "== $target: FOUND something, kept in Fuzz/findings/$target; the end of $work/$target.log:"
      grep -av '^#' "$work/$target.log" | tail -20
    }
  grep -a '^Done' "$work/$target.log" || true
done
exit $found
