#!/usr/bin/env bash
# Installs what is missing, builds Omnibus and boots it in QEMU: ./run-qemu.sh help
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
may_install=yes
counts_on_host=no
for word in "$@"; do
    case $word in
        --no-install) may_install=no ;;
        --host) counts_on_host=yes ;; # of bench
        run | gdb | cc | --) break ;; # what follows may belong to a program
    esac
done

say() { printf 'run-qemu.sh: %s\n' "$*" >&2; }

fail() {
    say "$@"
    exit 241 # the host failed; `help` lists the codes
}

has() { command -v "$1" >/dev/null 2>&1; }

# Shows a command and runs it, as root.
run_as_root() {
    local as_root=()
    if [[ $EUID -ne 0 ]]; then
        has sudo || fail "neither root nor sudo; as root, type: $*"
        as_root=(sudo)
    fi
    say "+ ${as_root[*]:+${as_root[*]} }$*"
    "${as_root[@]}" "$@" >&2
}

# The command that installs packages here, with their names: QEMU for x86_64, and a C compiler, which is rustc's linker.
qemu=() linker=() install=()
if has apt-get; then
    install=(apt-get install --no-install-recommends -y)
    qemu=(qemu-system-x86) linker=(gcc libc6-dev)
elif has dnf; then
    install=(dnf install -y --setopt=install_weak_deps=False)
    qemu=(qemu-system-x86-core) linker=(gcc glibc-devel)
elif has pacman; then
    install=(pacman -S --needed --noconfirm)
    qemu=(qemu-system-x86) linker=(gcc)
elif has zypper; then
    install=(zypper --non-interactive install --no-recommends)
    qemu=(qemu-x86) linker=(gcc glibc-devel)
elif has apk; then
    install=(apk add)
    qemu=(qemu-system-x86_64) linker=(gcc musl-dev)
fi

# A compiler without the C library's start-up files does not link; it then names crt1.o without a path.
can_link() { has cc && [[ -e $(cc -print-file-name=crt1.o) ]]; }

missing=()
has qemu-system-x86_64 || missing+=("${qemu[@]:-qemu-system-x86_64}")
can_link || missing+=("${linker[@]:-cc}")
[[ $counts_on_host = no ]] || has valgrind || missing+=(valgrind)
if [[ ${#missing[@]} -gt 0 ]]; then
    [[ ${#install[@]} -gt 0 ]] || fail "missing: ${missing[*]}; no package manager known here, please install them"
    install+=("${missing[@]}")
    update=()
    if has apt-get && ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
        update=(apt-get update)
    fi
    [[ $may_install = yes ]] || fail "missing: ${missing[*]}; as root, type: ${update[*]:+${update[*]} && }${install[*]}"
    say "installing ${missing[*]}"
    [[ ${#update[@]} -eq 0 ]] || run_as_root "${update[@]}"
    run_as_root env DEBIAN_FRONTEND=noninteractive "${install[@]}"
fi

if ! has cargo && [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
    PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
fi
has cargo || fail "Rust is missing; type: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"

# Cargo takes its configuration and its toolchain from where it is called, which may be a package of the user's; so it is called here.
target=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")
say "building"
(cd "$root" && CARGO_TARGET_DIR=$target exec env -u CARGO_BUILD_TARGET cargo build --locked)
exec "$target/debug/omnibus" "$@"
