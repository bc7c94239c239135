"""Postal addresses: what can be one, wherever a person writes it."""

from dataclasses import dataclass
from typing import Any

from babel import Locale

from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.texts import check_text

_NO_DESTINATIONS = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
COUNTRIES = frozenset(
    code
    for code in map(str, Locale("en").territories)
    if len(code) == 2 and code.isalpha() and code not in _NO_DESTINATIONS
)
"""ISO 3166-1 alpha-2 codes, by CLDR, without its groupings and placeholders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where it ships to; lines as they are written on the parcel."""

    country: str
    city: str
    line1: str
    line2: str | None = None
    region: str | None = None
    postal_code: str | None = None

    def checked(self, field: tuple[str, ...]) -> "Address":
        """Return the address if it can be one.

        Args:
            field: where it stands in the input.

        Raises:
            InvalidInput: no such country, a mandatory part is empty, or a text too long.
        """
        if self.country not in COUNTRIES:
            raise InvalidInput(
                reason="country must be an ISO 3166-1 code such as CN", field=(*field, "country")
            )
        check_text(self.city, (*field, "city"), longest=200)
        check_text(self.line1, (*field, "line1"), longest=300)
        for name, text in (
            ("line2", self.line2),
            ("region", self.region),
            ("postalCode", self.postal_code),
        ):
            if text:
                check_text(text, (*field, name), longest=300)
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {name: getattr(self, name) for name in Address.__slots__}
