#!/bin/sh
# transcript.sh: a real run in a home of its own, written into README.md between its two marks.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
built=$root/.build/release
[ -x "$built/dev" ] || built=$root/.build/debug
PATH=$built:$PATH
DEVDB_HOME=$(mktemp -d /tmp/devdb-transcript.XXXXXX)
chmod 755 "$DEVDB_HOME"
export PATH DEVDB_HOME
work=$(mktemp -d /tmp/devdb-work.XXXXXX)
trap 'dev daemon stop --servers >/dev/null 2>&1 || true; rm -rf "$DEVDB_HOME" "$work"' EXIT
mkdir -p "$work/shop/.git"
cd "$work/shop"

show() {
    echo "\$ $1"
    sh -c "$1" 2>&1 | sed 's/[[:space:]]*$//'
}
{
    echo '```console'
    show 'dev up'
    show 'psql "$(dev url)" -Atc "select split_part(version(), '"' on '"', 1)"'
    show 'dev stop --yes                       # asleep: no process at all'
    show 'psql "$(dev url)" -Atc "select 1"    # connecting wakes it'
    show 'kill -9 $(cat "$DEVDB_HOME/devd.lock") && dev up | head -n 1   # same server, adopted'
    show 'dev ls'
    echo '```'
} >"$work/text"
cd "$root"
awk -v text="$work/text" '
    /^<!-- transcript end/ { skipping = 0 }
    !skipping { print }
    /^<!-- transcript begin/ { while ((getline line < text) > 0) print line; skipping = 1 }
' README.md >"$work/README.md"
cp "$work/README.md" README.md
