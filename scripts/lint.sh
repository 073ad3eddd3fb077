#!/bin/sh
# lint.sh: one formatter configuration, strict; scripts parse; shellcheck where it is installed.
set -eu
cd "$(dirname "$0")/.."
swift format lint --strict -r Sources Tests Package.swift
for script in scripts/*.sh Fuzz/*.sh Benchmarks/*.sh .ci/run; do
    [ -e "$script" ] || continue
    case "$(head -n 1 "$script")" in
    *bash*) bash -n "$script" ;;
    *) sh -n "$script" ;;
    esac
done
if command -v shellcheck >/dev/null 2>&1; then
    shellcheck scripts/*.sh Fuzz/*.sh .ci/run
fi
