"""Hatchling hook: a wheel always carries a freshly built admin."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Hatchling runs this file by its path, outside any package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.build_admin import build_admin


class AdminBuildHook(BuildHookInterface[Any]):
    """Builds ``admin_static/dist`` before files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build for a real wheel only; an editable install serves what ``make`` built."""
        if version != "editable":
            build_admin()
