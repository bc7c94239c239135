"""The import contracts hold, and each of them notices an import it forbids."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.packaging.checkout import PACKAGES, ROOT, run

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code to plant imports in."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(tree: Path, module: str, line: str) -> None:
    """Add one line to a module, making it and its packages where they do not exist yet."""
    path = tree.joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "__init__.py").touch()
    with path.open("a") as file:
        file.write(f"\n{line}\n")


def lint(tree: Path) -> tuple[int, str]:
    result = run([LINT_IMPORTS, "--no-cache"], cwd=tree, environment={"PYTHONPATH": str(tree)})
    return result.returncode, result.stdout + result.stderr


def test_the_code_as_it_is_keeps_every_contract(tree: Path) -> None:
    code, output = lint(tree)
    assert code == 0, output
    assert "0 broken" in output


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("headless_presale.kernel.planted", "import resolvers", "Rings"),
        ("headless_presale.orders.planted", "import schema", "Rings"),
        ("resolvers.planted", "import schema", "Rings"),
        ("headless_presale.kernel.planted", "import strawberry", "Rules and storage know nothing"),
        ("headless_presale.app", "import graphql", "Rules and storage know nothing"),
        (
            "headless_presale.orders.planted",
            "import headless_presale.checkout",
            "Context layers",
        ),
        (
            "headless_presale.campaigns.planted",
            "import headless_presale.payments",
            "Context layers",
        ),
        ("headless_presale.slots.planted", "import headless_presale.shops", "Context layers"),
        ("headless_presale.kernel.planted", "import headless_presale.settings", "Context layers"),
        ("headless_presale.engines.planted", "import headless_presale.kernel", "Context layers"),
        (
            "headless_presale.sandbox_gateway.planted",
            "import headless_presale.kernel",
            "Context layers",
        ),
        (
            "headless_presale.checkout.planted",
            "import headless_presale.sandbox_gateway",
            "Only the composition root",
        ),
        # A context nobody has given a place among the layers.
        ("headless_presale.unplaced.planted", "import json", "Context layers"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    tree: Path, module: str, line: str, contract: str
) -> None:
    plant(tree, module, line)

    code, output = lint(tree)

    assert code == 1, output
    broken = [text for text in output.splitlines() if text.endswith("BROKEN")]
    assert [text for text in broken if text.startswith(contract)], output
