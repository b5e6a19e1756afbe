#!/bin/sh
# Prepares this machine for the backend: a virtual environment with the pinned packages, and a
# MariaDB or MySQL server program for the private database. Stdlib shell only: it runs before
# anything else exists. Idempotent; the second time it takes a blink.
#
#   sh backend/setup.sh run     what running needs
#   sh backend/setup.sh dev     the same, and what the tests and linters need
#
# PYTHON=/path/to/python3 chooses the interpreter.
set -eu

cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" # servers live there; ordinary users often lack it
export PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
unset PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX || true

log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { printf '%s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Runs a noisy command; its output is shown only when it fails.
quietly() {
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
}

# Prints the prefix that makes apt-get work here: nothing for root, sudo where it asks nothing.
apt_prefix() {
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" = 0 ]; then
        printf 'env'
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        printf 'sudo -n env'
    else
        return 1
    fi
}

# apt_install WHY PACKAGE...: installs, or ends with one sentence that says what to do.
apt_install() {
    why=$1
    shift
    prefix=$(apt_prefix) || fail "$why Please have an administrator run: apt-get install $*"
    say "Installing $* ..."
    # shellcheck disable=SC2086 # the prefix is words on purpose
    { quietly $prefix DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        quietly $prefix DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "$@"; } ||
        fail "$why apt-get could not install $* (its words are above)."
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then # what is set is honoured or refused, never passed over
        is_new_enough "$PYTHON" && command -v "$PYTHON"
        return
    fi
    for name in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if is_new_enough "$name"; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

make_environment() {
    if [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1 &&
        is_new_enough .venv/bin/python; then
        return 0
    fi
    python=$(find_python) || fail "Python 3.11 or newer is needed; ${PYTHON:-python3} is older or absent."
    if ! "$python" -c 'import ensurepip, venv; ensurepip.version()' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        apt_install "$python lacks the venv module." "$version-venv"
    fi
    say "Creating .venv with $("$python" --version) ..."
    quietly "$python" -m venv --clear .venv || fail "could not create .venv (see above)."
}

# The stamp holds what was installed, and where: a changed list or a moved folder installs anew.
install_packages() {
    stamp=.venv/installed-$1
    shift
    wanted=$(pwd && cat requirements*.txt)
    [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
    say "Installing the packages of $1 ..."
    quietly .venv/bin/python -m pip install --quiet --no-input -r "$1" ||
        fail "pip could not install $1 (its words are above)."
    printf '%s\n' "$wanted" >"$stamp"
}

# A database server elsewhere (DB_HOST) needs no program here, except for the tests.
uses_remote_database() {
    [ -n "${DB_HOST:-}" ] || grep -Eqs '^(export )?DB_HOST=.*[^"'"'"'[:space:]=]' .env
}

ensure_database_server() {
    command -v mariadbd >/dev/null || command -v mysqld >/dev/null && return 0
    apt_install "No MariaDB or MySQL server program (mariadbd, mysqld) was found." \
        mariadb-server-core mariadb-client-core
}

ensure_browser() {
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null ||
        command -v google-chrome >/dev/null && return 0
    apt_install "No Chromium was found; the pages are tested in it." chromium
}

case ${1:-run} in
run)
    make_environment
    install_packages run requirements.txt
    uses_remote_database || ensure_database_server
    ;;
dev)
    make_environment
    install_packages dev requirements-dev.txt
    ensure_database_server
    ensure_browser
    ;;
*) fail "say run or dev, not '$1'." ;;
esac
