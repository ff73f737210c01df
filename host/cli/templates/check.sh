#!/bin/sh
# Begins, builds and tests a plugin in each language for each hook, as an author does.
#
#   host/cli/templates/check.sh                 all
#   host/cli/templates/check.sh rust c          these languages
#
# Needs the toolchains host/docs/plugins.md names. WARBLER names the binary; target/debug/warbler otherwise.
set -eu

root=$(cd "$(dirname "$0")/../../.." && pwd)
warbler="${WARBLER:-$root/target/debug/warbler}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# Crates that are begun here share what they build.
export CARGO_TARGET_DIR="$work/target"

for language in ${*:-rust c ts python}; do
    for hook in event template webhook; do
        name="$language-$hook"
        "$warbler" plugin new "$name" --lang "$language" --hook "$hook" >/dev/null
        "$warbler" plugin build "$name"
        "$warbler" plugin test "$name"
    done
done
