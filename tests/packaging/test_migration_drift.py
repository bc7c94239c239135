"""The drift check sees a model its migrations do not have, without a database."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headless_presale.database import tortoise_config
from tests.packaging.checkout import run_python
from tools.migration_drift import UNUSED_URL, find_drift, find_forks

MODELS = """
from tortoise import fields
from tortoise.models import Model

class Ticket(Model):
    id = fields.IntField(primary_key=True)
    {field}

    class Meta:
        app = "{label}"
"""
MIGRATION = """
from tortoise import fields, migrations
from tortoise.migrations import operations as ops

class Migration(migrations.Migration):
    initial = True
    operations = [
        ops.CreateModel(
            name="Ticket",
            fields=[("id", fields.IntField(generated=True, primary_key=True))],
            options={{"table": "ticket", "app": "{label}", "pk_attr": "id"}},
            bases=["Model"],
        ),
    ]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder on the import path, taken off again afterwards."""
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path.remove(str(tmp_path))


def planted_app(folder: Path, label: str, *, field: str) -> dict[str, Any]:
    """Write an app with one model and one migration, and return the configuration for it."""
    package = folder / label
    (package / "migrations").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "models.py").write_text(MODELS.format(field=field, label=label))
    (package / "migrations" / "__init__.py").touch()
    (package / "migrations" / "0001_initial.py").write_text(MIGRATION.format(label=label))
    config = tortoise_config(UNUSED_URL)
    app = {
        "models": [f"{label}.models"],
        "migrations": f"{label}.migrations",
        "default_connection": "default",
    }
    return config | {"apps": {label: app}}


async def test_a_field_without_a_migration_is_drift(folder: Path) -> None:
    config = planted_app(folder, "drifting", field="note = fields.TextField(null=True)")
    assert await find_drift(config) == {"drifting": ["AddField Ticket.note"]}


async def test_models_and_migrations_in_step_are_no_drift(folder: Path) -> None:
    config = planted_app(folder, "in_step", field="")
    assert await find_drift(config) == {}


async def test_an_app_without_migrations_is_refused(folder: Path) -> None:
    config = planted_app(folder, "unkept", field="")
    del config["apps"]["unkept"]["migrations"]
    with pytest.raises(LookupError, match="unkept"):
        await find_drift(config)


def test_migrations_are_one_chain() -> None:
    def following(*names: str) -> SimpleNamespace:
        return SimpleNamespace(dependencies=[("presale", name) for name in names])

    chain = {"0001_a": following(), "0002_b": following("0001_a")}
    assert find_forks(chain) == []
    assert find_forks(chain | {"0003_c": following("0002_b")}) == []
    assert find_forks(chain | {"0003_c": following("0001_a")}) == [
        "0003_c: it should depend on 0002_b alone"
    ]
    assert find_forks(chain | {"0002_c": following("0002_b")}) == [
        "0002_c: its number should be 0003"
    ]


def test_the_models_of_the_project_are_in_step() -> None:
    result = run_python("-m", "tools.migration_drift")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "Models and migrations agree.\n"
