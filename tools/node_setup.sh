#!/usr/bin/env bash
# Give the tests that speak to real JavaScript clients their Node and packages.
# Usage: node_setup.sh PYTHON NODE_PROJECT, with the environment's bin folder first on PATH.
# Takes the machine's Node when it is new enough, else installs the locked wheel into the
# environment. A failure is told and does not end the run: those tests then skip with a reason.
set -euo pipefail

python=$1
project=$2
readonly minimum="20.19"

new_enough() {
    node -e '
        const [have, need] = [process.versions.node, process.argv[1]].map((v) => v.split(".").map(Number));
        process.exit(have[0] > need[0] || (have[0] === need[0] && have[1] >= need[1]) ? 0 : 1);
    ' "$minimum" >/dev/null 2>&1
}

give_up() {
    echo "Node: $1. Tests that need it will be skipped." >&2
    exit 0
}

[[ -f $project/package-lock.json ]] || exit 0

if ! { new_enough && npm --version >/dev/null 2>&1; }; then
    echo "No Node >= $minimum with npm on PATH: installing the wheel..."
    "$python" -m pip install -qq --require-hashes -r requirements-node.lock \
        || give_up "none on PATH and the wheel could not be installed"
    hash -r
    new_enough || give_up "the installed wheel does not run here"
fi

stamp=$project/node_modules/.installed-$(cat "$project/package.json" "$project/package-lock.json" | cksum | cut -d' ' -f1)
if [[ ! -f $stamp ]]; then
    echo "Installing the JavaScript clients for the tests..."
    # npm ci removes node_modules first, and with it every older stamp.
    (cd "$project" && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error) \
        || give_up "npm ci failed in $project"
    touch "$stamp"
fi
