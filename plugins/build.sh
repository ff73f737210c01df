#!/bin/sh
# Builds the shipped plugins into their folders and notes digests and toolchain in components.lock.
#
#   plugins/build.sh           build, replace the committed components and components.lock
#   plugins/build.sh --check   build aside, fail if a committed component differs
#
# Uses the target wasm32-unknown-unknown of rustup when it is installed, else Debian's
# `rustc-web cargo-web rust-web-src lld-19`. The bytes do not depend on where the checkout is, but
# they do depend on the compiler: --check refuses to compare when it is not the one in the lock.
# WARBLER_WASM_TOOLCHAIN=rustup|debian chooses one.
set -eu

PLUGINS="auto-reply campaign-template webhook-transform"
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
target="${CARGO_TARGET_DIR:-$here/target}"
mode="${1:-build}"
cd "$here"

toolchain="${WARBLER_WASM_TOOLCHAIN:-}"
if [ -z "$toolchain" ]; then
    if rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown; then
        toolchain=rustup
    elif [ -d /usr/src ] && [ -x /usr/bin/wasm-ld-19 ] && [ -x /usr/bin/cargo ]; then
        toolchain=debian
    else
        echo "No WebAssembly toolchain. Either 'rustup target add wasm32-unknown-unknown' or, on" >&2
        echo "Debian, 'apt-get install rustc-web cargo-web rust-web-src lld-19'." >&2
        exit 2
    fi
fi

cargo_home="${CARGO_HOME:-$HOME/.cargo}"
remap="--remap-path-prefix=$root=/warbler --remap-path-prefix=$cargo_home=/cargo"
wasm_target="$target/wasm-$toolchain"
case "$toolchain" in
rustup)
    compiler=$(rustc --version)
    wasm_cargo() {
        RUSTFLAGS="$remap" cargo build --locked --release \
            --target wasm32-unknown-unknown --target-dir "$wasm_target" "$@"
    }
    ;;
debian)
    compiler="$(/usr/bin/rustc --version) with wasm-ld-19"
    wasm_cargo() {
        RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
            CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19 \
            RUSTFLAGS="-Clinker-flavor=wasm-ld $remap --remap-path-prefix=$(/usr/bin/rustc --print sysroot)=/rust" \
            /usr/bin/cargo build --locked --release -Zbuild-std=std,panic_abort \
            --target wasm32-unknown-unknown --target-dir "$wasm_target" "$@"
    }
    ;;
*)
    echo "WARBLER_WASM_TOOLCHAIN is 'rustup' or 'debian', not '$toolchain'" >&2
    exit 2
    ;;
esac

if [ "$mode" = --check ] && ! grep -qxF "toolchain = \"$compiler\"" components.lock; then
    echo "components.lock was written by another toolchain than $compiler:" >&2
    grep '^toolchain' components.lock >&2
    exit 2
fi

cargo build --locked --quiet --release --target-dir "$target/tools" -p componentize
out="$target/components"
mkdir -p "$out"
lock="$out/components.lock"
{
    echo "# Written by build.sh: what the committed components were built with, and their SHA-256."
    echo "toolchain = \"$compiler\""
    echo
    echo "[components]"
} >"$lock"
for plugin in $PLUGINS; do
    wasm_cargo -p "$plugin"
    module="$wasm_target/wasm32-unknown-unknown/release/$(echo "$plugin" | tr - _).wasm"
    "$target/tools/release/componentize" "$module" "$out/$plugin.wasm"
    echo "$plugin = \"$(sha256sum "$out/$plugin.wasm" | cut -d' ' -f1)\"" >>"$lock"
done

status=0
for plugin in $PLUGINS; do
    if [ "$mode" = --check ]; then
        if cmp -s "$out/$plugin.wasm" "$plugin/$plugin.wasm"; then
            echo "$plugin: the committed component is what its source builds"
        else
            echo "$plugin: the committed component differs from its source; run plugins/build.sh" >&2
            status=1
        fi
    else
        cp "$out/$plugin.wasm" "$plugin/$plugin.wasm"
        echo "$plugin: $(wc -c <"$plugin/$plugin.wasm") bytes"
    fi
done
if [ "$mode" = --check ]; then
    cmp -s "$lock" components.lock || { echo "components.lock is out of date" >&2; status=1; }
else
    cp "$lock" components.lock
fi
exit "$status"
