#!/bin/bash
# Man pages of what `--help` prints: docs/manual.sh BINARY DIRECTORY
set -euo pipefail
binary=$1
directory=$2
mkdir -p "$directory"
version=$("$binary" --version)

# page NAME SUMMARY, with the help on standard input.
page() {
  printf '.TH "%s" 1 "" "%s" "User Commands"\n.SH NAME\n%s \\- %s\n.SH HELP\n.nf\n' \
    "${1^^}" "$version" "$1" "$2"
  # A leading dot or quote would be a request.
  sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\([.']\)/\\\\\&\1/"
  printf '.fi\n'
}

summary() { sed -n 's/^OVERVIEW: //p' | head -1; }

help=$("$binary" help)
page clm-replay "$(summary <<<"$help")" <<<"$help" >"$directory/clm-replay.1"
for command in $(sed -n '/^SUBCOMMANDS:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$help"); do
  text=$("$binary" help "$command")
  page "clm-replay-$command" "$(summary <<<"$text")" <<<"$text" >"$directory/clm-replay-$command.1"
done
