"""What is committed names no machine and no download, and can be checked out anywhere."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.packaging.checkout import ROOT, run

HOME_FOLDER = re.compile(r"(?<![\w.~/-])/(?:home|Users|root)/\w|[A-Z]:\\Users\\")
DOWNLOAD = re.compile(
    r"files\.pythonhosted\.org|pypi\.org/simple|registry\.npmjs\.org|registry\.yarnpkg\.com"
    r"|github\.com/[\w.-]+/[\w.-]+/(?:releases/download|archive)|raw\.githubusercontent\.com"
    r"|\b(?:curl|wget)\b[^\n|]*https?://(?!127\.0\.0\.1|localhost)"
)
PORTABLE_NAME = re.compile(r"[A-Za-z0-9._-]+")
# Folders below which a checkout's own path may well be a path inside a container image.
SHARED_ROOTS = {"app", "opt", "srv", "tmp", "usr", "var"}
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file that is or would be committed."""
    try:
        listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    except FileNotFoundError:
        pytest.skip("git is not installed")
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def texts(tracked: list[Path]) -> dict[str, str]:
    found = {}
    for path in tracked:
        content = path.read_bytes()
        if b"\0" not in content:
            found[path.relative_to(ROOT).as_posix()] = content.decode()
    return found


def matches(texts: dict[str, str], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}: {match.group()}"
        for name, text in texts.items()
        for match in pattern.finditer(text)
    ]


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("data = '/" + "home/someone/data'", HOME_FOLDER),
        ("pip install --index-url https://pypi" + ".org/simple", DOWNLOAD),
        ("cur" + "l -L https://example.org/x.tar.gz", DOWNLOAD),
    ],
)
def test_the_patterns_notice_what_they_are_for(line: str, pattern: re.Pattern[str]) -> None:
    assert matches({"planted": line}, pattern) != []


def test_no_file_names_a_folder_of_someones_machine(texts: dict[str, str]) -> None:
    assert matches(texts, HOME_FOLDER) == []


def test_no_file_names_this_checkout(texts: dict[str, str]) -> None:
    if len(ROOT.parts) < 3 or ROOT.parts[1] in SHARED_ROOTS:
        pytest.skip(f"{ROOT} may stand in a file for a good reason")
    assert matches(texts, re.compile(rf"{re.escape(str(ROOT))}\b")) == []


def test_no_file_names_a_download(texts: dict[str, str]) -> None:
    assert matches(texts, DOWNLOAD) == []


def test_names_are_portable(tracked: list[Path]) -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked]
    assert [name for name in names if not all(map(PORTABLE_NAME.fullmatch, name.split("/")))] == []
    folded = [name.casefold() for name in names]
    assert [name for name in names if folded.count(name.casefold()) > 1] == []


def test_python_modules_have_names_that_say_something(tracked: list[Path]) -> None:
    modules = [path.relative_to(ROOT) for path in tracked if path.suffix == ".py"]
    assert modules
    assert [str(path) for path in modules if path.stem in SAYS_NOTHING] == []
    # A migration starts with its number.
    odd = [
        str(path)
        for path in modules
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", path.stem) and "migrations" not in path.parts
    ]
    assert odd == []


def test_what_is_built_or_private_is_ignored() -> None:
    paths = [".venv/x", ".data/x", "admin_static/dist/index.html", ".env", "a/__pycache__/x.pyc"]
    try:
        result = run(["git", "check-ignore", "--no-index", *paths])
    except (FileNotFoundError, subprocess.SubprocessError):
        pytest.skip("git is not installed")
    if result.returncode == 128:
        pytest.skip("not a git checkout")
    assert result.stdout.split() == paths
