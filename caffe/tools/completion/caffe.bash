# Completion of the caffe command in bash. The words come from `caffe --help` itself.

# Files that match a pattern, or all where none does, and folders on the way to them.
_caffe_files() {
  mapfile -t COMPREPLY < <(compgen -f -X "!$1" -- "$2")
  [[ ${#COMPREPLY[@]} -gt 0 ]] || mapfile -t COMPREPLY < <(compgen -f -- "$2")
  mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "$2")
  compopt -o filenames
}

# The same for the last of several files with commas between.
_caffe_list_of_files() {
  local rest=${2##*,}
  _caffe_files "$1" "$rest"
  COMPREPLY=("${COMPREPLY[@]/#/${2%"$rest"}}")
}

_caffe_words() {
  local words=$1
  [[ $2 != -[a-z]* ]] || words=${words//--/-}  # flags may have one dash, too
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
}

_caffe() {
  local word=$2 before=$3 command="" item
  for item in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $item in train | test | time | check | device_query) command=$item && break ;; esac
  done
  # bash takes --flag=value apart.
  [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD-2]}
  [[ $word == = ]] && word=""
  # One dash is as good as two.
  case --${before##*-} in
    --solver | --model) _caffe_files '*.prototxt' "$word" ;;
    --weights) _caffe_list_of_files '*.@(caffemodel|h5)' "$word" ;;
    --snapshot) _caffe_files '*.solverstate*' "$word" ;;
    --plugin) _caffe_files '*.so' "$word" ;;
    --phase) _caffe_words "TRAIN TEST" "$word" ;;
    --sigint_effect | --sighup_effect) _caffe_words "stop snapshot none" "$word" ;;
    --precision) _caffe_words "FP32 TF32 BF16 FP16" "$word" ;;
    --trace) _caffe_files '*.json' "$word" ;;
    --iterations | --level | --stage | --minloglevel) COMPREPLY=() ;;
    --gpu) _caffe_words "0 all" "$word" ;;
    *)
      if [[ $command ]]; then
        _caffe_words "$(caffe "$command" --help 2>/dev/null | grep -o -- '--[a-z_]*')" "$word"
      else
        _caffe_words "train test time check device_query --plugin --minloglevel --help --version" "$word"
      fi
      ;;
  esac
}

shopt -s extglob
complete -F _caffe caffe
