"""The base of the classes that stand for tables."""

from typing import Any

import tortoise.models
from tortoise.models import ModelMeta


class UncommentedMeta(ModelMeta):
    """Makes the class of a table without reading the comments in its source.

    Tortoise looks for ``#:`` before each column, to describe it in the database: it parses the
    whole module once for every class in it, which was a tenth of a process's start. Nothing here
    is described so.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> ModelMeta:
        """Make the class."""
        return super().__new__(cls, name, bases, {"_no_comments": True, **attrs})


class Model(tortoise.models.Model, metaclass=UncommentedMeta):
    """A row of a table."""

    class Meta:
        abstract = True
