#!/usr/bin/env bash
# Make the virtual environment named by the first argument, unless a working one is there.
# PYTHON names the interpreter; without it the first fitting one on PATH is taken.
set -euo pipefail

target=$1

# A candidate has to run: version managers put names on PATH that only print an error.
fits() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

if [[ -x $target/bin/python ]] && fits "$target/bin/python" \
    && "$target/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

if [[ -n ${PYTHON:-} ]]; then
    candidates=("$PYTHON")
else
    candidates=(python3 python3.14 python3.13 python3.12 python3.11 python)
fi
for candidate in "${candidates[@]}"; do
    if fits "$candidate"; then
        echo "Making $target with $("$candidate" --version) ($(command -v "$candidate"))"
        rm -rf "$target"
        "$candidate" -m venv "$target"
        exit 0
    fi
done

{
    echo "Headless Presale needs Python 3.11 or newer with its venv module. Tried:"
    for candidate in "${candidates[@]}"; do
        if ! command -v "$candidate" >/dev/null 2>&1; then
            echo "  $candidate: not found"
        elif ! version=$("$candidate" --version 2>/dev/null); then
            echo "  $candidate: does not run"
        elif ! "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
            echo "  $candidate: $version, without venv (Debian and Ubuntu: apt install python3-venv)"
        else
            echo "  $candidate: $version"
        fi
    done
    echo "Name one yourself: make ... PYTHON=/path/to/python3.12"
} >&2
exit 1
