"""Compare the models with the migrations: ``python -m tools.migration_drift``.

Tortoise can write the missing migration but has no check of its own. This replays all migrations
in memory and asks its autodetector what would be left to do. No database is contacted.
"""

import asyncio
import importlib
import pkgutil
import sys
from collections.abc import Mapping
from typing import Any

from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector

from headless_presale import migrations
from headless_presale.database import tortoise_config

# Never connected to: the configuration has to name a database to be complete.
UNUSED_URL = "postgres://nobody@127.0.0.1:1/none"


async def find_drift(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the operations missing from the migrations, by app label; empty when in step.

    Args:
        config: Tortoise configuration with ``connections`` and ``apps``.

    Raises:
        LookupError: an app with models names no migrations package, so nothing keeps it in step.
    """
    apps_config: dict[str, dict[str, Any]] = {
        label: dict(app) for label, app in config["apps"].items()
    }
    unmigrated = sorted(label for label, app in apps_config.items() if not app.get("migrations"))
    if unmigrated:
        raise LookupError(f"apps without a migrations package: {', '.join(unmigrated)}")
    async with TortoiseContext() as context:
        await context.init(config=dict(config), init_connections=False)
        assert context.apps is not None, "init() fills apps"
        writers = await MigrationAutodetector(context.apps, apps_config).changes()
    return {
        writer.app_label: [describe(operation) for operation in writer.operations]
        for writer in writers
    }


def find_forks(modules: Mapping[str, Any]) -> list[str]:
    """Return what keeps migrations from being one chain, numbered without a gap.

    Two that follow the same one apply in an order that nobody has tried.

    Args:
        modules: each migration's class by its name, such as ``0002_slots``.
    """
    forks = []
    previous: str | None = None
    for number, name in enumerate(sorted(modules), 1):
        if not name.startswith(f"{number:04}_"):
            forks.append(f"{name}: its number should be {number:04}")
        follows = [follower for _, follower in modules[name].dependencies or ()]
        if follows != ([] if previous is None else [previous]):
            forks.append(f"{name}: it should depend on {previous} alone")
        previous = name
    return forks


def describe(operation: Any) -> str:
    """Name an operation and what it is about, on one line: ``AddField Order.note``."""
    model = getattr(operation, "model_name", None)
    name = getattr(operation, "name", None)
    subject = ".".join(part for part in (model, name) if isinstance(part, str))
    return f"{type(operation).__name__} {subject}".rstrip()


def main() -> int:
    names = [module.name for module in pkgutil.iter_modules(migrations.__path__)]
    forks = find_forks(
        {
            name: importlib.import_module(f"{migrations.__name__}.{name}").Migration
            for name in names
            if name[0].isdigit()
        }
    )
    for fork in forks:
        print(fork, file=sys.stderr)
    drift = asyncio.run(find_drift(tortoise_config(UNUSED_URL)))
    if not drift:
        print("Models and migrations agree.")
        return 1 if forks else 0
    print("Models and migrations disagree; `tortoise makemigrations` would write:", file=sys.stderr)
    for app_label, operations in drift.items():
        for operation in operations:
            print(f"  {app_label}: {operation}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
