"""Libraries that are loaded when something of them is first used.

A process that serves loads what it serves with when it starts, so that nobody's first request waits
for it. What it may never be asked for (a merchant's picture, a page, a call to somebody else's
server) costs every start time and every process memory, and waits until it is. Written as::

    if TYPE_CHECKING:
        import httpx
    else:
        httpx = later("httpx")

Annotations with a name of it stand in quotes; a class that has a base of it loads it.
"""

from importlib import import_module
from types import ModuleType
from typing import Any


class LaterModule(ModuleType):
    """Stands for a module, and has what it has."""

    def __getattr__(self, name: str) -> Any:
        """Return what the module has by this name; the first time loads it."""
        return getattr(import_module(self.__name__), name)


def later(name: str) -> Any:
    """Return what stands for a module."""
    return LaterModule(name)
