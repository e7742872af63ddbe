# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by what is in this folder: what has to be installed, and how to build.

top=$(cd "$(dirname "$0")/.." && pwd)

packages_build="gcc libc6-dev python3 meson ninja-build pkg-config libglib2.0-dev libsystemd-dev libsqlite3-dev libjansson-dev libarchive-dev libcairo2-dev"
packages_demo="dbus-daemon procps"
packages_bench="dbus dbus-daemon systemd valgrind strace util-linux python3-bleak git"
packages_test="clang libclang-rt-14-dev dbus dbus-daemon python3 python3-gi python3-jsonschema libglib2.0-bin libglib2.0-dev-bin libxml2-utils groff-base systemd strace bash-completion fish zsh
        valgrind procps sqlite3 tmux qemu-system-x86 seabios ipxe-qemu mmdebstrap cpio lz4 zstd busybox-static kmod e2fsprogs
        build-essential debhelper dpkg-dev fakeroot lintian"
packages_analyse="clang libclang-rt-14-dev clang-tidy cppcheck valgrind"

say() {
        printf '%s\n' "$*" >&2
}

# Names those of the packages that are not installed.
missing_packages() {
        for p in "$@"; do
                dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || printf '%s ' "$p"
        done
}

# Installs what is missing, or says how to.
install_packages() {
        if ! command -v dpkg-query >/dev/null; then
                say "This is not Debian: install what provides these Debian packages, then run this again:"
                say "  $*"
                say "(Going on; what is missing will be named.)"
                return 0
        fi
        missing=$(missing_packages "$@")
        [ -n "$missing" ] || return 0
        if [ "$(id -u)" != 0 ]; then
                say "These packages are missing. Install them, then run this again:"
                say "  sudo apt-get install --no-install-recommends $missing"
                exit 1
        fi
        say "Installing: $missing"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq || say "The package lists could not be renewed; trying with those that are there."
        # shellcheck disable=SC2086 # a list
        apt-get install -y -qq --no-install-recommends $missing >"${TMPDIR:-/tmp}/needled-apt.log" 2>&1 || {
                tail -n 20 "${TMPDIR:-/tmp}/needled-apt.log" >&2
                say "The packages could not be installed (above)."
                exit 1
        }
}

# build DIR [meson option…]: configures once, builds what has changed: of the targets in $build_targets, if that is set.
build() {
        dir=$top/build/$1
        shift
        if [ ! -f "$dir/build.ninja" ]; then
                mkdir -p "$top/build"
                meson setup "$dir" "$top" "$@" >"$dir.log" 2>&1 || {
                        tail -n 30 "$dir.log" >&2
                        say "Setting up the build failed (above, and in $dir.log)."
                        exit 1
                }
        fi
        # shellcheck disable=SC2086 # a list
        ninja -C "$dir" ${build_targets:-} >"$dir.log" 2>&1 || {
                tail -n 60 "$dir.log" >&2
                say "The build failed (above, and in $dir.log)."
                exit 1
        }
}
