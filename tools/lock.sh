#!/usr/bin/env bash
# Write the lock files from pyproject.toml: every platform, every hash, no index and no address.
# Pins stay as they are unless the ranges ask otherwise; UPGRADE=1 moves them to the newest releases.
set -euo pipefail
cd "$(dirname "$0")/.."

UV=${UV:-uv}
if ! command -v "$UV" >/dev/null; then
    echo "make lock needs uv (a maintainer's tool; install and run do not): pipx install uv" >&2
    exit 1
fi
# Hashes must be those of the public index alone, whatever this machine adds to it.
unset UV_INDEX UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_EXCLUDE_NEWER

compile() {
    local output=$1 purpose=$2 written
    shift 2
    written=$(mktemp)
    if [[ -f $output ]]; then cp "$output" "$written"; fi
    "$UV" --no-config --quiet pip compile "$@" \
        --universal --python-version 3.11 --generate-hashes \
        --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
        ${UPGRADE:+--upgrade} --output-file "$written" >/dev/null
    {
        echo "# $purpose Written by \`make lock\`; do not edit."
        grep -v '^#' "$written"
    } >"$output"
    rm -f "$written"
    echo "$output: $(grep -c '==' "$output") packages"
}

compile requirements.lock "What Headless Presale runs on." pyproject.toml
compile requirements-build.lock "The build backend." --group build -c requirements.lock
compile requirements-dev.lock "Runtime, build backend, tests and static checks." \
    pyproject.toml --group dev -c requirements.lock -c requirements-build.lock
compile requirements-node.lock "Node for the tests, where the machine has none." --group node
