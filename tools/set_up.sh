#!/bin/sh
# Makes .venv ready, once:   sh tools/set_up.sh run   (what a run needs)
#                            sh tools/set_up.sh dev   (the same and what the tests need)
# A second call finds the stamp that the first one left and does nothing. `make run` and `make test`
# call this; PYTHON=/path/to/python names a Python to try first.
set -eu
unset CDPATH PYTHONHOME
cd "$(dirname "$0")/.."

say() { printf 'cordgraft: %s\n' "$*"; }

case "${1:-dev}" in
    run) tier=run extras=mri,movie,netcdf ;;
    dev) tier=dev extras=mri,movie,netcdf,dev ;;
    *) say "unknown set-up '$1': say run or dev" >&2; exit 2 ;;
esac

# ------------------------------------------------------------------------------------ find a Python
# A name on PATH proves nothing: a pyenv shim may exist and fail, Debian's python3 may lack ensurepip,
# and free-threaded builds run no Numba. So each candidate is executed, and answers with its own path.
probe='
import sys
if sys.implementation.name != "cpython" or not (3, 12) <= sys.version_info[:2] < (3, 15) or sys.maxsize < 2**32:
    sys.exit(1)
import sysconfig
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit(1)
try:
    import ensurepip, venv
except ImportError:
    sys.exit(3)
print(sys.executable)
'
lacks_ensurepip=
found=

try_python() {
    [ -z "$found" ] && [ -n "$1" ] || return 0
    status=0
    answer=$("$1" -c "$probe" 2>/dev/null </dev/null) || status=$?
    if [ "$status" -eq 0 ] && [ -x "$answer" ]; then
        found=$answer
    elif [ "$status" -eq 3 ]; then
        lacks_ensurepip=$1
    fi
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        try_python "$PYTHON"
        [ -n "$found" ] || say "PYTHON=$PYTHON is not a suitable Python, looking for another" >&2
    fi
    for candidate in python3 python3.13 python3.12 python3.14 \
        "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.1[234]*/bin/python \
        "${HOME:-}"/.pyenv/versions/3.1[234]*/bin/python; do
        try_python "$candidate"
    done
    if [ -z "$found" ] && command -v uv >/dev/null 2>&1; then
        try_python "$(UV_PYTHON_DOWNLOADS=never uv python find --no-project '>=3.12,<3.15' 2>/dev/null || true)"
    fi
    try_python python
    [ -n "$found" ] && return 0
    say "no suitable Python was found: install CPython 3.12, 3.13 or 3.14 with its venv module (for example" \
        "'brew install python@3.12', 'apt install python3.12-venv' or 'uv python install 3.12'), or name one:" \
        "make run PYTHON=/path/to/python" >&2
    [ -z "$lacks_ensurepip" ] ||
        say "($lacks_ensurepip is recent enough but cannot make environments: its package of venv and ensurepip is missing)" >&2
    exit 1
}

# ------------------------------------------------------------------------------------- is it ready?
stamp=.venv/cordgraft-set-up         # written last; what was installed, and where
installing=.venv/cordgraft-installing # process that is installing; left behind by an interruption
want="$(cksum <pyproject.toml) $(cksum <constraints.txt) $(pwd -P)"

stamp_line() { [ -f "$stamp" ] && sed -n "$1p" "$stamp" || true; }

is_ready() {
    [ -x .venv/bin/python ] && [ "$(stamp_line 1)" = "$want" ] || return 1
    [ "$(stamp_line 2)" = dev ] || [ "$(stamp_line 2)" = "$tier" ]
}

is_ready && exit 0

waited=0
while [ -f "$installing" ] && kill -0 "$(cat "$installing")" 2>/dev/null && [ "$waited" -lt 900 ]; do
    [ "$waited" -gt 0 ] || say "another set-up is at work in this folder, waiting for it"
    sleep 1
    waited=$((waited + 1))
done
is_ready && exit 0

# ------------------------------------------------------------------------------------------ install
started=$(date +%s)

is_usable() { # an environment that can be brought up to date instead of being made anew
    [ ! -e "$installing" ] || return 1                          # a set-up was interrupted
    [ -x .venv/bin/python ] && .venv/bin/python -c "$probe
import pip" >/dev/null 2>&1 || return 1                          # half made, or its Python is gone
    case "$(stamp_line 1)" in "" | *" $(pwd -P)") ;; *) return 1 ;; esac # was moved or copied here
}

if ! is_usable; then
    find_python
    if [ -e .venv ] || [ -L .venv ]; then
        say "replacing an unfinished or moved .venv"
        rm -rf .venv
    fi
    mkdir .venv
    printf '%s\n' "$$" >"$installing"
    say "making .venv with $found ($("$found" -c 'import platform; print(platform.python_version())'))"
    "$found" -m venv .venv
fi
printf '%s\n' "$$" >"$installing"
rm -f "$stamp"
say "installing what a '$tier' set-up needs into .venv; the first time this can take some minutes"
if ! .venv/bin/python -m pip install -qq --disable-pip-version-check --no-input \
    --editable ".[$extras]" --constraint constraints.txt </dev/null; then
    rm -f "$installing"
    say "the installation failed; the lines above say why, and the same command tries again" >&2
    exit 1
fi
printf '%s\n%s\n' "$want" "$tier" >"$stamp"
rm -f "$installing"
say "ready after $(($(date +%s) - started)) s"
