#!/usr/bin/env bash
# Ask for the advisories of every version in the lock files: pip-audit for Python, npm for Node.
# What cannot be asked counts as a failure, never as clean: `--strict` does that for pip-audit.
set -uo pipefail
cd "$(dirname "$0")/.."

UV=${UV:-uv}
failed=0

for lock in requirements.lock requirements-build.lock requirements-dev.lock requirements-node.lock; do
    echo "$lock:"
    "$UV" tool run pip-audit --strict --progress-spinner off \
        --disable-pip --require-hashes -r "$lock" || failed=1
done
for project in tests/e2e/node admin_static; do
    [[ -f $project/package-lock.json ]] || continue
    echo "$project:"
    npm audit --prefix "$project" --package-lock-only || failed=1
done
exit "$failed"
