#!/usr/bin/env bash
# Fuzz/run.sh SECONDS [startup|login|http|websocket|plan|cell|statement]: runs each fuzzer (or the one named) for that long, from its seeds and findings.
# What it finds is kept in Fuzz/findings/<target>, which the tests replay. Exit 1 if anything was found.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: Fuzz/run.sh SECONDS [startup|login|http|websocket|plan|cell|statement]}
targets=${2:-startup login http websocket plan cell statement}
# With its backtraces on, a Swift program that traps under libFuzzer may hang.
export SWIFT_BACKTRACE=enable=no
work=.build/fuzz
found=0
for target in $targets; do
  case $target in
    startup) harness=Startup room=PostgresWire ;;
    login) harness=Login room=PostgresWire ;;
    http) harness=HTTP room=HTTPWire ;;
    websocket) harness=WebSocket room=HTTPWire ;;
    plan) harness=Plan room=HTTPShim ;;
    cell) harness=Cell room=HTTPShim ;;
    statement) harness=Multipart room=HTTPShim ;;
    *) echo "unknown fuzzer '$target': startup, login, http, websocket, plan, cell or statement" >&2; exit 2 ;;
  esac
  mkdir -p "$work/$target" "Fuzz/findings/$target"
  echo "== $target: building"
  sources=("Sources/$room"/*.swift)
  case $room in
    PostgresWire) support=Postgres; flags="-I Sources/COpenSSL $(pkg-config --cflags --libs libcrypto)" ;;
    HTTPWire) support=HTTP; flags= ;;
    HTTPShim)
      # Its pure part: no sockets, no libpq.
      support=; flags="-I $work/modules"
      sources=(Sources/HTTPShim/{JSON,Values,Plan,Interpreter,Operators,Mapping,Statements,Errors}/*.swift Tests/HTTPShimTests/{PlanFuzz,StatementFuzz}.swift
        Sources/HTTPShim/Serverless/{DriverStatement,DriverTexts,MultipartStatement}.swift Sources/HTTPShim/Service/{PlanRequest,BodyCheck,LimitHeaders}.swift)
      mkdir -p "$work/modules"
      swiftc -O -parse-as-library -swift-version 6 -module-name Basics -emit-module -emit-module-path "$work/modules/Basics.swiftmodule" \
        -emit-object -wmo Sources/Basics/*.swift -o "$work/modules/Basics.o"
      swiftc -O -parse-as-library -swift-version 6 -module-name PostgresSession -emit-module \
        -emit-module-path "$work/modules/PostgresSession.swiftmodule" -emit-object -wmo Fuzz/stubs/PostgresSession.swift \
        -o "$work/modules/PostgresSession.o"
      flags="$flags $work/modules/Basics.o $work/modules/PostgresSession.o" ;;
  esac
  [ -z "$support" ] || sources+=(Tests/WireTestSupport/CodecVerifier.swift Tests/WireTestSupport/"$support"*.swift)
  dictionary=; [ ! -f "Fuzz/$target.dict" ] || dictionary="-dict=Fuzz/$target.dict"
  # One module: the room, the checks, and the harness; so the checks see what is internal, and need no imports.
  # shellcheck disable=SC2086
  swiftc -O -parse-as-library -swift-version 6 -enable-upcoming-feature InternalImportsByDefault -D FUZZING -module-name Fuzz -sanitize=fuzzer $flags \
    "${sources[@]}" "Fuzz/$harness.swift" -o "$work/fuzz-$target"
  echo "== $target: running for $seconds s"
  # Inputs over 12,000 bytes can tell nothing new: the longest start-up packet has 10,004.
  # shellcheck disable=SC2086
  "$work/fuzz-$target" $dictionary -max_total_time="$seconds" -max_len=12000 -timeout=10 \
    -artifact_prefix="Fuzz/findings/$target/" "$work/$target" "Fuzz/seeds/$target" "Fuzz/findings/$target" \
    >"$work/$target.log" 2>&1 || {
      found=1
      echo "== $target: FOUND something, kept in Fuzz/findings/$target; the end of $work/$target.log:"
      grep -av '^#' "$work/$target.log" | tail -20
    }
  grep -a '^Done' "$work/$target.log" || true
done
exit $found
