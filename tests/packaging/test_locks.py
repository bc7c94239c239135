"""Lock files pin what pyproject.toml asks for, with hashes and without addresses."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.checkout import LOCKS, ROOT

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
NPM_LOCKS = [
    path for path in sorted(ROOT.rglob("package-lock.json")) if "node_modules" not in path.parts
]


def read_lock(path: Path) -> dict[str, tuple[Requirement, list[str]]]:
    """Return each pinned requirement with its hashes, by canonical name."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    pinned: dict[str, tuple[Requirement, list[str]]] = {}
    for entry in "\n".join(lines).replace("\\\n", " ").splitlines():
        text, _, hashes = entry.partition(" --hash")
        requirement = Requirement(text.strip())
        pinned[canonicalize_name(requirement.name)] = (
            requirement,
            HASH.findall(f"--hash{hashes}"),
        )
    return pinned


def asked_for(group: str | None = None) -> list[Requirement]:
    """Return the direct requirements of the project, or of one dependency group."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    if group is None:
        return [Requirement(text) for text in project["project"]["dependencies"]]
    found = []
    for entry in project["dependency-groups"][group]:
        if isinstance(entry, dict):
            found += asked_for(entry["include-group"])
        else:
            found.append(Requirement(entry))
    return found


def test_the_four_locks_are_there() -> None:
    assert [path.name for path in LOCKS] == [
        "requirements-build.lock",
        "requirements-dev.lock",
        "requirements-node.lock",
        "requirements.lock",
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_address_and_no_index(lock: Path) -> None:
    text = lock.read_text()
    assert re.findall(r"\w+://\S+|--\S*(?:index|find-links)\S*|\S+ @ \S+", text) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pin_is_exact_and_has_hashes(lock: Path) -> None:
    pinned = read_lock(lock)
    assert pinned
    loose = [
        name
        for name, (requirement, hashes) in pinned.items()
        if not hashes or [clause.operator for clause in requirement.specifier] != ["=="]
    ]
    assert loose == []


@pytest.mark.parametrize(
    ("lock", "group"),
    [
        ("requirements.lock", None),
        ("requirements-build.lock", "build"),
        ("requirements-dev.lock", None),
        ("requirements-dev.lock", "dev"),
        ("requirements-node.lock", "node"),
    ],
)
def test_a_lock_meets_every_range_in_pyproject(lock: str, group: str | None) -> None:
    pinned = read_lock(ROOT / lock)
    unmet = []
    for requirement in asked_for(group):
        pin, _ = pinned.get(canonicalize_name(requirement.name), (None, []))
        version = next(iter(pin.specifier)).version if pin else None
        if version is None or not requirement.specifier.contains(version):
            unmet.append(f"{requirement} is pinned to {version}")
    assert unmet == []


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    tested = read_lock(ROOT / "requirements-dev.lock")
    for lock in ("requirements.lock", "requirements-build.lock"):
        for name, pin in read_lock(ROOT / lock).items():
            # Markers may be wider where a tool needs the package elsewhere too.
            assert name in tested
            assert tested[name][0].specifier == pin[0].specifier
            assert tested[name][1] == pin[1]


@pytest.mark.skipif(not NPM_LOCKS, reason="no package-lock.json in this checkout")
def test_npm_locks_name_no_address() -> None:
    for path in NPM_LOCKS:
        packages = json.loads(path.read_text())["packages"]
        with_address = [name for name, entry in packages.items() if "resolved" in entry]
        without_hash = [
            name
            for name, entry in packages.items()
            if name and not entry.get("link") and "integrity" not in entry
        ]
        assert with_address == []
        assert without_hash == []
