"""Postal addresses: what can be one, wherever a person writes it."""

from dataclasses import dataclass
from typing import Any

from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.texts import check_text

_CODES = """
AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN
BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CP CQ CR CU CV CW CX CY
CZ DE DG DJ DK DM DO DZ EA EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH
GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR IS IT
JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD
ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP
NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE
SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR
TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_CODES.split())
"""ISO 3166-1 alpha-2 codes, as CLDR has them, without its groupings and placeholders.

Written down, because Babel reads four megabytes to name them; a test compares the two.
"""


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
