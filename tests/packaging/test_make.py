"""The Makefile finds a Python, installs once, and never takes half an install for a whole one."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.packaging.checkout import ROOT, run

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

VENV_SCRIPT = ROOT / "tools" / "venv.sh"
# These tests run under `make test` too, and a make within a make takes over its flags.
OUTERMOST = {"MAKEFLAGS": "", "MFLAGS": "", "MAKELEVEL": "0"}
UNINSTALLABLE = "headless-presale-has-no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The build files alone, with nothing to install."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "pyproject.toml").touch()
    for lock in ("requirements.lock", "requirements-build.lock", "requirements-dev.lock"):
        (tmp_path / lock).touch()
    return tmp_path


def stamp_target(checkout: Path) -> str:
    """The stamp `make` wants for the locks as they are now."""
    (checkout / "print.mk").write_text("include Makefile\nprint:\n\t@echo $(RUN_STAMP)\n")
    result = run(["make", "-f", "print.mk", "print"], cwd=checkout, environment=OUTERMOST)
    return result.stdout.strip()


def make(checkout: Path, *arguments: str) -> tuple[int, str]:
    result = run(
        ["make", *arguments],
        cwd=checkout,
        environment=OUTERMOST | {"PIP_NO_INDEX": "1", "PYTHON": sys.executable},
    )
    return result.returncode, result.stdout + result.stderr


def fake_python(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def only_path(folder: Path, tools: Path) -> dict[str, str]:
    """A PATH with one folder of Pythons and the plain commands the script uses."""
    tools.mkdir()
    for command in ("bash", "env", "rm", "sh"):
        (tools / command).symlink_to(shutil.which(command) or command)
    return {"PATH": f"{folder}{os.pathsep}{tools}"}


def test_help_lists_every_target_people_use() -> None:
    result = run(["make", "help"], environment=OUTERMOST)
    assert result.returncode == 0
    assert re.findall(r"^  make (\w+)", result.stdout, flags=re.MULTILINE) == [
        *("run", "test", "lint", "bench", "chaos", "hostile", "lock", "audit", "clean"),
    ]


def test_a_failed_install_leaves_no_stamp_and_a_later_one_does(checkout: Path) -> None:
    # Given a lock whose package cannot be had
    (checkout / "requirements.lock").write_text(UNINSTALLABLE)
    # When it is installed
    code, output = make(checkout, stamp_target(checkout))
    # Then it fails and nothing says it succeeded
    assert code == 2, output
    assert list((checkout / ".venv").glob(".run-*")) == []

    # Given the lock repaired, the same command installs
    (checkout / "requirements.lock").write_text("")
    target = stamp_target(checkout)
    assert make(checkout, target)[0] == 0
    assert [path.name for path in (checkout / ".venv").glob(".run-*")] == [Path(target).name]
    # and touching a lock asks for nothing, while changing it does
    (checkout / "requirements.lock").touch()
    assert stamp_target(checkout) == target
    assert "up to date" in make(checkout, target)[1]
    (checkout / "requirements.lock").write_text("# changed\n")
    assert stamp_target(checkout) != target


def test_a_python_that_is_too_old_is_named_in_the_message(tmp_path: Path) -> None:
    fake_python(
        tmp_path / "bin", "python3", 'case $1 in --version) echo "Python 3.9.2";; *) exit 1; esac'
    )
    result = run(
        [VENV_SCRIPT, tmp_path / "venv"],
        environment={"PYTHON": str(tmp_path / "bin" / "python3")},
    )
    assert result.returncode == 1
    assert "needs Python 3.11 or newer" in result.stderr
    assert f"{tmp_path / 'bin' / 'python3'}: Python 3.9.2" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_the_search_passes_over_what_does_not_run(tmp_path: Path) -> None:
    # Given a python3 that is too old and a shim that only prints an error
    pythons = tmp_path / "bin"
    fake_python(pythons, "python3", 'case $1 in --version) echo "Python 3.8.0";; *) exit 1; esac')
    fake_python(pythons, "python3.13", "echo no such version >&2; exit 127")
    # and one that works; a file of its own, as a link would be resolved to its folder
    fake_python(pythons, "python3.11", f'exec "{sys.executable}" "$@"')

    result = run(
        [VENV_SCRIPT, tmp_path / "venv"],
        environment=only_path(pythons, tmp_path / "tools") | {"PYTHON": ""},
    )

    assert result.returncode == 0, result.stderr
    assert f"({pythons / 'python3.11'})" in result.stdout
    assert run([tmp_path / "venv" / "bin" / "python", "-m", "pip", "--version"]).returncode == 0


def test_a_working_environment_is_kept(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    assert run([VENV_SCRIPT, venv], environment={"PYTHON": sys.executable}).returncode == 0
    (venv / "kept").touch()

    again = run([VENV_SCRIPT, venv], environment={"PYTHON": "no-such-python"})

    assert again.returncode == 0
    assert again.stdout == ""
    assert (venv / "kept").exists()
