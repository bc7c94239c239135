"""Indexes that Tortoise has no words for: with a free condition, or over an expression."""

from typing import Any

from tortoise.indexes import Index


class WhereIndex(Index):
    """A B-tree index over the rows that meet ``where``, e.g. ``order_id IS NOT NULL``.

    Name it: the migration that creates it and the plan that uses it are read by people.
    """

    def __init__(self, *, fields: tuple[str, ...] | list[str], name: str, where: str) -> None:
        super().__init__(fields=fields, name=name)
        self.where = where
        self.extra = f" WHERE {where}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return what the migration writer prints to rebuild this index."""
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "where": self.where}


class ExpressionIndex(Index):
    """A B-tree index over columns and, behind them, an expression in SQL.

    The expression may name an operator class: ``lower(buyer ->> 'email') text_pattern_ops`` finds
    what begins with a text, whatever the database's collation is. Columns may follow it.

    Args:
        include: columns that rows are filtered by or shown from without the table being read.
    """

    def __init__(
        self,
        *,
        fields: tuple[str, ...] | list[str],
        expression: str,
        name: str,
        include: tuple[str, ...] | list[str] = (),
    ) -> None:
        super().__init__(fields=fields, name=name)
        self.expression = expression
        self.include = tuple(include)
        if self.include:
            self.extra = f" INCLUDE ({', '.join(self.include)})"

    @property
    def field_names(self) -> list[str]:
        return [*self.fields, self.expression]

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return what the migration writer prints to rebuild this index."""
        path, args, kwargs = super().deconstruct()
        kwargs["expression"] = self.expression
        if self.include:
            kwargs["include"] = list(self.include)
        return path, args, kwargs
