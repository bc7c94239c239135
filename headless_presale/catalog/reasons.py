"""Why something of a file cannot be used, so that it can be said in other languages."""

from collections.abc import Mapping


class Reason(str):
    """An English clause that remembers how it was made; it compares and prints as the clause.

    Attributes:
        template: the clause with places for its values: ``{count} cells``. Translations are
            found by it.
        params: the values.
    """

    template: str
    params: Mapping[str, object]

    def __new__(cls, template: str, /, **params: object) -> "Reason":
        made = super().__new__(cls, template.format(**params) if params else template)
        made.template = template
        made.params = {
            name: value if isinstance(value, int) else str(value) for name, value in params.items()
        }
        return made


def as_reason(clause: str) -> Reason:
    """Return a clause as one that can be said in other languages, if it can be."""
    return clause if isinstance(clause, Reason) else Reason(clause)
