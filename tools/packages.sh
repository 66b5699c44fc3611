# SPDX-License-Identifier: MIT
# Debian packages that timbre needs, and how they get there; sourced by ./quickstart and ./check.
# Of "a|b" one is enough.
# shellcheck shell=bash disable=SC2034 # the lists are used by who sources this

build_packages=(
    gcc libc6-dev make autoconf automake libtool "pkgconf|pkg-config"
    libavcodec-dev libavformat-dev libavutil-dev
    libb2-dev
    "libcurl4-openssl-dev|libcurl4-gnutls-dev"
    libebur128-dev
    libfftw3-dev
    libjansson-dev
    libmicrohttpd-dev
    libmpg123-dev
    libopenblas-dev
    libsndfile1-dev
    libsoxr-dev
    libsqlite3-dev
    libsystemd-dev
    libtagc0-dev
    libyaml-dev
    python3 python3-yaml
)

# What `timbre dataset songs` renders with.  Tests do with the first three, which are small.
song_test_packages=(libfluidsynth-dev csound-soundfont timgm6mb-soundfont)
song_packages=(
    "${song_test_packages[@]}"
    "fluidr3mono-gm-soundfont|fluid-soundfont-gm"
    "musescore-general-soundfont-small|musescore-general-soundfont"
    opl3-soundfont
)

is_debian() {
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null
}

is_installed() {
    local name
    for name in ${1//|/ }; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] && return
    done
    return 1
}

# missing_packages PACKAGE...: prints those that are not installed
missing_packages() {
    local package
    for package; do
        is_installed "$package" || printf '%s\n' "${package%%|*}"
    done
}

# as_root COMMAND...: runs it as root, through sudo where needed; fails where neither is possible
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        return 1
    fi
}

# apt_install PACKAGE...: quietly, without questions
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
}
