#!/bin/sh
# build.sh [release]: a quiet build; the log is shown only when it fails.
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
if [ -t 1 ] || [ -n "${CI:-}" ]; then
    # Progress as it comes; a person waits for it.
    swift "$@"
elif ! swift "$@" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
