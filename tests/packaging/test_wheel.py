"""The wheel carries everything the program needs, and nothing it does not."""

import shutil
import zipfile
from pathlib import Path

import pytest

from tests.packaging.checkout import PACKAGES, ROOT, run_python

DATA_SUFFIXES = {".lua", ".sql", ".html", ".txt", ".j2", ".graphql", ".json", ".yaml", ".svg"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy without anything git ignores, so without a built admin."""
    folder = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("__pycache__", "dist", "node_modules")
    for name in (*PACKAGES, "admin_static", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "LICENSE", "README.md", ".gitignore"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, folder)
    target = folder / "wheel"
    result = run_python(
        "-m", "hatchling", "build", "--target", "wheel", "--directory", target, cwd=folder
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    result = run_python(
        *("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"), target, wheel
    )
    assert result.returncode == 0, result.stderr
    return target


def test_its_name_says_pure_python(wheel: Path) -> None:
    assert wheel.name == "headless_presale-0.1.0-py3-none-any.whl"


def test_every_module_and_data_file_is_in_it(names: set[str]) -> None:
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and (path.suffix in DATA_SUFFIXES | {".py"} or path.name == "py.typed")
    }
    assert expected - names == set()
    assert "headless_presale/py.typed" in names
    assert "schema/schema.graphql" in names
    assert any(name.endswith(".lua") for name in names)
    assert any(name.endswith(".sql") for name in names)


def test_the_admin_is_built_into_it(names: set[str]) -> None:
    source = ROOT / "admin_static" / "src"
    expected = {
        f"admin_static/dist/{path.relative_to(source).as_posix()}"
        for path in source.rglob("*")
        if path.is_file()
    }
    assert "admin_static/dist/index.html" in expected
    assert {name for name in names if name.startswith("admin_static/")} == expected


def test_nothing_else_is_in_it(names: set[str]) -> None:
    top_level = {name.split("/")[0] for name in names}
    assert top_level == {*PACKAGES, "admin_static", "headless_presale-0.1.0.dist-info"}
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []


def test_its_metadata_name_the_command_the_python_and_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        folder = "headless_presale-0.1.0.dist-info"
        entry_points = archive.read(f"{folder}/entry_points.txt").decode()
        metadata = archive.read(f"{folder}/METADATA").decode().splitlines()
        licence = archive.read(f"{folder}/licenses/LICENSE").decode()
    assert "headless-presale = headless_presale.cli:main" in entry_points.splitlines()
    assert "Requires-Python: >=3.11" in metadata
    assert "License-Expression: MIT" in metadata
    assert licence == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("package", PACKAGES)
def test_an_installed_wheel_imports_its_own_packages(
    installed: Path, tmp_path: Path, package: str
) -> None:
    # A PyPI package is called `schema` too, so it matters which one answers.
    result = run_python(
        *("-c", f"import {package}; print({package}.__file__)"),
        cwd=tmp_path,
        environment={"PYTHONPATH": str(installed)},
    )
    assert result.stdout.strip() == str(installed / package / "__init__.py"), result.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_this_environment_imports_the_checkout(tmp_path: Path, package: str) -> None:
    # Isolated and from elsewhere: only what is installed in the environment counts.
    result = run_python(*("-I", "-c", f"import {package}; print({package}.__file__)"), cwd=tmp_path)
    assert result.stdout.strip() == str(ROOT / package / "__init__.py"), result.stderr
