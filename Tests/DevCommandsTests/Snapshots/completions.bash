# bash completion of dev; made by `dev completions bash`
_dev_complete() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case "$line" in
        :files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$2"); return ;;
        :command) mapfile -t COMPREPLY < <(compgen -c -f -- "$2"); return ;;
        ?*) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done < <("$1" __complete bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    # After a comma or an equals sign the word goes on.
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _dev_complete dev
