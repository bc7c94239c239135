"""The countries there are, beside those that CLDR names."""

from babel import Locale

from headless_presale.kernel.postal import COUNTRIES

NO_DESTINATIONS = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
"""Groupings and placeholders."""


def test_the_countries_are_those_of_cldr() -> None:
    named = {code for code in map(str, Locale("en").territories) if len(code) == 2}

    assert {code for code in named if code.isalpha()} - NO_DESTINATIONS == COUNTRIES
