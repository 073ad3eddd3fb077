#!/bin/sh
# embed.sh CLANG SOURCE OUTPUT: compiles the hand-off library and writes it into a Swift file as hexadecimal text.
# Run by the plugin EmbedHandoff. The same source gives the same bytes: the library's file name carries their hash.
set -eu
clang=$1 source=$2 output=$3
library=${output%.swift}.so
# Elsewhere there is no library, and connections go through the pump.
if [ "$(uname -s)" = Linux ]; then
    "$clang" -shared -fPIC -O2 -std=gnu11 -Wall -Wextra -Werror -fvisibility=hidden \
        -Wl,-s -Wl,-z,now -Wl,--build-id=none -o "$library" "$source" -ldl
else
    : >"$library"
fi
{
    echo 'extension HandoffLibrary {'
    printf '    static let hexadecimal: StaticString = "'
    od -An -v -tx1 "$library" | tr -d ' \n'
    echo '"'
    echo '}'
} >"$output.new"
mv "$output.new" "$output"
