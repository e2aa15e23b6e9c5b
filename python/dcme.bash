# Completion of the dcme command in bash. The words come from `dcme --help` itself.

_dcme() {
  local word=$2 before=$3 command=${COMP_WORDS[1]} help choices
  if ((COMP_CWORD == 1)); then
    help=$(dcme --help 2>/dev/null | sed -nE 's/^    ([a-z]+).*/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$help --help --version" -- "$word")
    return
  fi
  help=$(dcme "$command" --help 2>/dev/null)
  choices=$(grep -oE -- "$before \{[^}]+\}" <<<"$help" | head -n 1 | tr '{},' '   ')
  if [[ $before == --* && $choices ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${choices#"$before"}" -- "$word")
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(grep -o -- '--[a-z-]*' <<<"$help")" -- "$word")
  elif [[ $command == oracle ]] && ((COMP_CWORD == 2)); then
    choices=$(grep -oE '^ +\{[a-z,]+\}' <<<"$help" | head -n 1 | tr '{},' '   ')
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    compopt -o filenames 2>/dev/null
  fi
}

complete -F _dcme dcme
