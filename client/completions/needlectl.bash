# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion of needlectl(1), which is asked itself what may come next.

_needlectl() {
        local cur prev words cword line before= breaks=${COMP_WORDBREAKS//[^=:]/}
        _init_completion -n =: || return

        # What stands before a '=' or a ':' is a word of its own to readline.
        [[ -z $breaks ]] || before=${cur%"${cur##*[$breaks]}"}
        COMPREPLY=()
        while IFS= read -r line; do
                line=${line%%$'\t'*}
                COMPREPLY+=("${line#"$before"}")
        done < <(needlectl complete -- "${words[@]:1:cword}" 2>/dev/null)
        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
}

complete -o default -F _needlectl needlectl
