#!/bin/sh
# build.sh [release]: a quiet build, with one line of progress on a terminal; the log is shown only when it fails.
# The two release programs run on a machine without Swift: its libraries are linked statically, and what the
# linker finds unused goes (21 MB to 14 MB).
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --check

case "${1:-debug}" in
debug) set -- build ;;
release)
    case "$(uname -s)" in
    Darwin) set -- build -c release -Xlinker -dead_strip -Xlinker -x ;;
    *) set -- build -c release --static-swift-stdlib -Xlinker --gc-sections -Xlinker -s ;;
    esac
    ;;
*)
    echo "usage: build.sh [release]" >&2
    exit 2
    ;;
esac

mkdir -p .build
log=.build/build.log
swift "$@" >"$log" 2>&1 &
build=$!
# What the shell starts beside itself does not get the terminal's Ctrl-C.
trap 'kill "$build" 2>/dev/null; exit 130' INT TERM
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
    begun=$(date +%s)
    while sleep 1 && kill -0 "$build" 2>/dev/null; do
        step=$(sed -n 's|^\[\([0-9]*\)/\([0-9]*\)\].*|\1 of \2, |p' "$log" | tail -n 1)
        printf '\rBuilding: %s%s s \033[K' "$step" "$(($(date +%s) - begun))"
    done
    printf '\r\033[K'
fi
if ! wait "$build"; then
    cat "$log" >&2
    exit 1
fi
