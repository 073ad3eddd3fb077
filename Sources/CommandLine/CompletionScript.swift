/// The shells' completion scripts: a fixed stub that calls the program's hidden `__complete`, because only the program
/// knows which instances there are, and a new flag needs no new script.
///
/// `PROGRAM __complete SHELL -- WORD...` prints one candidate a line, `text<tab>note`, or the single line `:files`
/// (complete file names) or `:command` (complete another program's command line).
public enum CompletionScript {
    public static let shells = ["bash", "zsh", "fish"]

    /// nil for a shell that is not in `shells`.
    public static func text(_ shell: String, program: String) -> String? {
        switch shell {
        case "bash": bash(program)
        case "zsh": zsh(program)
        case "fish": fish(program)
        default: nil
        }
    }

    // bash splits words at `=`; __complete joins them again and answers with what follows the sign.
    private static func bash(_ program: String) -> String {
        """
        # bash completion of \(program); made by `\(program) completions bash`
        _\(program)_complete() {
            local line
            COMPREPLY=()
            while IFS= read -r line; do
                case "$line" in
                :files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$2"); return ;;
                :command) mapfile -t COMPREPLY < <(compgen -c -f -- "$2"); return ;;
                ?*) COMPREPLY+=("${line%%$'\\t'*}") ;;
                esac
            done < <("$1" __complete bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
            # After a comma or an equals sign the word goes on.
            if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
        }
        complete -F _\(program)_complete \(program)

        """
    }

    private static func zsh(_ program: String) -> String {
        """
        #compdef \(program)
        # zsh completion of \(program); made by `\(program) completions zsh`
        _\(program)() {
            local -a lines candidates
            local line at
            lines=("${(@f)$("${words[1]}" __complete zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
            for line in "${lines[@]}"; do
                case "$line" in
                :files) _files; return ;;
                # The line is the other command's from here on.
                :command) at=${words[(i)--]}; words=("${(@)words[at+1,-1]}"); (( CURRENT -= at )); _normal; return ;;
                ?*) candidates+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}") ;;
                esac
            done
            _describe -V '\(program)' candidates
        }
        if [ "$funcstack[1]" = "_\(program)" ]; then _\(program) "$@"; else compdef _\(program) \(program); fi

        """
    }

    private static func fish(_ program: String) -> String {
        """
        # fish completion of \(program); made by `\(program) completions fish`
        function __\(program)_complete
            set -l words (commandline -opc) (commandline -ct)
            set -l program $words[1]
            set -e words[1]
            for line in ($program __complete fish -- $words 2>/dev/null)
                switch $line
                    case :files
                        __fish_complete_path (commandline -ct)
                    case :command
                        __fish_complete_command
                    case '*'
                        echo $line
                end
            end
        end
        complete -c \(program) -f -a '(__\(program)_complete)'

        """
    }

    /// The words as the shell means them: bash's `--pg`, `=`, `15` are one word.
    public static func words(_ words: [String], shell: String) -> [String] {
        guard shell == "bash" else { return words }
        var result: [String] = []
        var joins = false
        for word in words {
            if word == "=", let last = result.last, last.hasPrefix("--"), !last.contains("=") {
                result[result.count - 1] = last + "="
                joins = true
            } else if joins, let last = result.last {
                result[result.count - 1] = last + word
                joins = false
            } else {
                result.append(word)
            }
        }
        return result
    }

    /// One candidate as the shell wants it: bash replaces only what follows the equals sign.
    public static func line(_ item: Completion.Item, shell: String) -> String {
        var text = item.text[...]
        if shell == "bash", text.hasPrefix("--"), let equals = text.firstIndex(of: "=") { text = text[text.index(after: equals)...] }
        return item.note.isEmpty ? String(text) : text + "\t" + item.note
    }
}
