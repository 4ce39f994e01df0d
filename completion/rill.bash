# Words of the command `rill`, for bash: what `rill COMMAND --help` lists.
_rill() {
    local word=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$1" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p') --help --version" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$1" "${COMP_WORDS[1]}" --help | sed -n 's/^  \(-[^ ].*\)/\1/p' |
            sed -e 's/  .*//' -e 's/--\[no-\]\([a-z.-]*\)/--\1 --no-\1/' | grep -oE -- '--?[a-zA-Z.-]+')" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -o filenames -F _rill rill
