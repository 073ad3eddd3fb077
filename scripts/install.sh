#!/bin/sh
# install.sh [--remove]: the release programs and what `dev` itself writes from its one description of the command
# line: completions and man pages. PREFIX (default /usr/local), DESTDIR for packagers.
set -eu
cd "$(dirname "$0")/.."
root="${DESTDIR:-}${PREFIX:-/usr/local}"
bin="$root/bin"
share="$root/share"

if [ "${1:-}" = --remove ]; then
    rm -f "$bin/dev" "$bin/devd" "$share/bash-completion/completions/dev" "$share/zsh/site-functions/_dev" \
        "$share/fish/vendor_completions.d/dev.fish" "$share"/man/man1/dev.1 "$share"/man/man1/dev-*.1
    echo "removed dev and devd from $bin"
    exit 0
fi

built=.build/release
[ -x "$built/dev" ] && [ -x "$built/devd" ] || {
    echo "install: run make install, which builds first" >&2
    exit 1
}
install -d "$bin" "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d" "$share/man/man1"
# A running program's file is replaced, never written into.
for program in dev devd; do
    install -m 755 "$built/$program" "$bin/.$program.new"
    mv -f "$bin/.$program.new" "$bin/$program"
done
"$bin/dev" completions bash >"$share/bash-completion/completions/dev"
"$bin/dev" completions zsh >"$share/zsh/site-functions/_dev"
"$bin/dev" completions fish >"$share/fish/vendor_completions.d/dev.fish"
"$bin/dev" __man "$share/man/man1"
echo "installed dev and devd to $bin"
