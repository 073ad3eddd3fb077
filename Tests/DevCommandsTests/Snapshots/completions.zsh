#compdef dev
# zsh completion of dev; made by `dev completions zsh`
_dev() {
    local -a lines candidates
    local line
    lines=("${(@f)$("${words[1]}" __complete zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        case "$line" in
        :files) _files; return ;;
        :command) _normal -p dev; return ;;
        ?*) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    _describe -V 'dev' candidates
}
if [ "$funcstack[1]" = "_dev" ]; then _dev "$@"; else compdef _dev dev; fi
