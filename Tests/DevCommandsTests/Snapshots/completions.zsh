#compdef dev
# zsh completion of dev; made by `dev completions zsh`
_dev() {
    local -a lines candidates
    local line at
    lines=("${(@f)$("${words[1]}" __complete zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        case "$line" in
        :files) _files; return ;;
        # The line is the other command's from here on.
        :command) at=${words[(i)--]}; words=("${(@)words[at+1,-1]}"); (( CURRENT -= at )); _normal; return ;;
        ?*) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    _describe -V 'dev' candidates
}
if [ "$funcstack[1]" = "_dev" ]; then _dev "$@"; else compdef _dev dev; fi
