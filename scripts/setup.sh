#!/bin/sh
# setup.sh: installs what building and running devdb needs and this machine lacks. Says what; asks unless CI or YES=1.
# setup.sh --check: only says what is missing; exit 1 then.
# setup.sh --tests: what the tests use as well.
set -eu

# A package is needed when its probe fails.
debian="
pkg-config|command -v pkg-config
libuv1-dev|pkg-config --exists libuv
libpq-dev|pkg-config --exists libpq
libsqlite3-dev|pkg-config --exists sqlite3
libssl-dev|pkg-config --exists libcrypto
libtomlplusplus-dev|test -e /usr/include/toml++/toml.h || test -e /usr/include/toml++/toml.hpp
libarchive-dev|pkg-config --exists libarchive
make|command -v make
postgresql|test -n \"\${DEVDB_PG_BIN:-}\" || ls /usr/lib/postgresql/*/bin/postgres || command -v pg_config && test -x \"\$(pg_config --bindir)/postgres\"
"
[ "${1:-}" != --tests ] || debian="$debian
python3-pip|python3 -m pip --version
curl|command -v curl
"
brew="
pkgconf|command -v pkg-config
libuv|pkg-config --exists libuv
libpq|brew --prefix --installed libpq
sqlite|brew --prefix --installed sqlite
openssl@3|brew --prefix --installed openssl@3
tomlplusplus|brew --prefix --installed tomlplusplus
libarchive|brew --prefix --installed libarchive
postgresql@17|test -n \"\${DEVDB_PG_BIN:-}\" || ls /opt/homebrew/opt/postgresql*/bin/postgres /usr/local/opt/postgresql*/bin/postgres /Applications/Postgres.app/Contents/Versions/*/bin/postgres
"

missing_of() {
    printf '%s\n' "$1" | while IFS='|' read -r package probe; do
        [ -n "$package" ] || continue
        # `ls` of several patterns fails when one is absent; some output is enough.
        case "$probe" in
        *"|| ls "*) [ -n "$(sh -c "$probe && echo yes" 2>/dev/null)" ] || echo "$package" ;;
        *) sh -c "$probe" >/dev/null 2>&1 || echo "$package" ;;
        esac
    done | tr '\n' ' ' | sed 's/ $//'
}

if ! command -v swift >/dev/null 2>&1; then
    echo "setup: Swift is missing. Install Swift 6.2 or newer from https://www.swift.org/install and run make again." >&2
    exit 1
fi

case "$(uname -s)" in
Darwin)
    command -v brew >/dev/null 2>&1 || {
        echo "setup: Homebrew is missing; see https://brew.sh." >&2
        exit 1
    }
    missing=$(missing_of "$brew")
    install="brew install $missing"
    ;;
Linux)
    if ! command -v apt-get >/dev/null 2>&1; then
        [ "${1:-}" = --check ] && exit 0 # An other distribution: the compiler will say what it misses.
        echo "setup: only Debian, Ubuntu and macOS are known here. Needed: pkg-config, and the development files of" >&2
        echo "setup: libuv, libpq, SQLite, OpenSSL 3, toml++, libarchive, and a PostgreSQL server (13 or newer)." >&2
        exit 1
    fi
    missing=$(missing_of "$debian")
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo "
    install="${sudo}apt-get install -y --no-install-recommends $missing"
    ;;
*)
    echo "setup: devdb runs on Linux and macOS." >&2
    exit 1
    ;;
esac

[ -n "$missing" ] || exit 0
echo "setup: missing on this machine: $missing" >&2
if [ "${1:-}" = --check ]; then
    echo "setup: run make up, or: $install" >&2
    # PostgreSQL is needed to run, not to build.
    case "$missing" in
    postgresql | postgresql@17) exit 0 ;;
    esac
    exit 1
fi

if [ -z "${CI:-}" ] && [ "${YES:-}" != 1 ]; then
    if [ ! -t 0 ]; then
        echo "setup: nobody to ask here. Run YES=1 make up to install them: $install" >&2
        exit 1
    fi
    printf 'setup: install them with "%s"? [y/N] ' "$install" >&2
    read -r answer
    case "$answer" in
    y | Y | yes) ;;
    *)
        echo "setup: nothing installed." >&2
        exit 1
        ;;
    esac
fi

if [ "$(uname -s)" = Darwin ]; then
    # shellcheck disable=SC2086 # a list of words
    exec brew install $missing
fi

# Debian's package makes and starts a system-wide cluster when it is installed. devdb has clusters of its own, so the
# package is told not to, for the length of this installation.
drop=/etc/postgresql-common/createcluster.d/devdb.conf
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }
case " $missing " in
*" postgresql "*)
    as_root mkdir -p "$(dirname "$drop")"
    echo "create_main_cluster = false" | as_root tee "$drop" >/dev/null
    trap 'as_root rm -f "$drop"' EXIT
    trap 'exit 1' INT TERM
    ;;
esac
as_root apt-get update -q || true # Offline with a warm cache is fine; the next line decides.
# shellcheck disable=SC2086 # a list of words
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
