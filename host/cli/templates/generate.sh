#!/bin/sh
# Writes what is generated from wit/ in the templates anew: types for TypeScript, bindings for C.
#
#   host/cli/templates/generate.sh           write it
#   host/cli/templates/generate.sh --check   fail if what is committed differs
#
# Needs npm and cargo. The tools' versions are fixed here and in plugins/Cargo.lock.
set -eu

JCO="@bytecodealliance/jco@1.15.4"
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/wit"
cp "$root"/wit/*.wit "$work/wit"

# One file of all interfaces, named without the version, which the build adds.
(cd "$work" && npm exec --yes --package "$JCO" -- jco guest-types wit --world-name plugin --out-dir types >"$work/jco.log") ||
    { cat "$work/jco.log" >&2; exit 1; }
mkdir -p "$work/out/ts/all/types"
{
    echo "// Generated from wit/ by jco; do not edit."
    for interface in "$work"/types/interfaces/*.d.ts; do
        echo
        sed -e '/^\/\/\/ <reference/d' -e 's/@[0-9.]*\(['"'"'"]\)/\1/g' -e 's/[[:space:]]*$//' "$interface"
    done
} >"$work/out/ts/all/types/warbler.d.ts"

tools="$root/plugins/target/tools" # plugins/build.sh has them there, too
(cd "$root/plugins" && cargo build --locked --quiet --release --target-dir "$tools" -p componentize)
for hook in event template webhook; do
    "$tools/release/bindings" "$work/wit" "$hook-plugin" "$work/out/c/$hook/bindings"
done

status=0
cd "$work/out"
for file in $(find . -type f | sort); do
    if [ "${1:-}" = --check ]; then
        cmp -s "$file" "$here/$file" || { echo "$file is not what wit/ says; run host/cli/templates/generate.sh" >&2; status=1; }
    else
        mkdir -p "$here/$(dirname "$file")"
        cp "$file" "$here/$file"
    fi
done
exit "$status"
