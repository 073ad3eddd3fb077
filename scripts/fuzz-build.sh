#!/bin/sh
# fuzz-build.sh SOURCE FOLDER: compiles the rooms the source names, then the fuzzer itself.
set -eu
source=$1
out=$2
modules=$(sed -n 's|^// modules: *||p' "$source" | head -n 1)
features="-swift-version 6 -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature NonisolatedNonsendingByDefault"
headers=""
for system in Sources/C*/; do
    [ -e "${system}module.modulemap" ] && headers="$headers -Xcc -fmodule-map-file=${system}module.modulemap"
done
objects=""
for module in $modules; do
    # shellcheck disable=SC2086,SC2046 # lists of words
    swiftc -O -g -parse-as-library -sanitize=fuzzer,address $features $headers -wmo -module-name "$module" \
        -emit-module -emit-module-path "$out/$module.swiftmodule" -emit-object -o "$out/$module.o" -I "$out" \
        $(find "Sources/$module" -name '*.swift')
    objects="$objects $out/$module.o"
done
# shellcheck disable=SC2086 # lists of words
swiftc -O -g -parse-as-library -sanitize=fuzzer,address $features $headers -I "$out" "$source" $objects -lcrypto -o "$out/fuzzer"
