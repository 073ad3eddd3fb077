#!/bin/sh
# fuzz.sh: builds each fuzzer of Fuzz/ with libFuzzer and address sanitizer and runs it for FUZZ_SECONDS (default 60).
# A fuzzer is one file with an @_cdecl("LLVMFuzzerTestOneInput") function; the line `// modules: A B` in it names the
# rooms (in order of dependency) whose sources are compiled into it. What it finds is kept in .build/fuzz/<name>/ and
# belongs, made small, into Tests/<Target>Tests as a test.
set -eu
cd "$(dirname "$0")/.."
seconds="${FUZZ_SECONDS:-60}"
command -v swiftc >/dev/null || exit 1
found=0
for source in Fuzz/*.swift; do
    [ -e "$source" ] || break
    found=1
    name=$(basename "$source" .swift)
    out=.build/fuzz/$name
    mkdir -p "$out/corpus"
    echo "fuzz: $name, $seconds s"
    scripts/fuzz-build.sh "$source" "$out"
    # With the backtracer on, a trap once hung the run.
    SWIFT_BACKTRACE=enable=no "$out/fuzzer" -max_total_time="$seconds" -artifact_prefix="$out/" -print_final_stats=1 "$out/corpus"
done
if [ "$found" -eq 0 ]; then
    echo "fuzz: no fuzzer in Fuzz/" >&2
    exit 1
fi
