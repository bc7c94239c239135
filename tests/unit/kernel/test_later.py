"""A library that waits until something of it is used, and is then what it always is."""

import sys

import pytest

from headless_presale.kernel.later import later


def test_it_is_loaded_with_its_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    import colorsys

    monkeypatch.delitem(sys.modules, "colorsys")

    colours = later("colorsys")
    assert "colorsys" not in sys.modules
    assert colours.rgb_to_hsv(0, 0, 1) == colorsys.rgb_to_hsv(0, 0, 1)
    assert colours.rgb_to_hsv is sys.modules["colorsys"].rgb_to_hsv


def test_what_it_does_not_have_is_an_error_of_its_own() -> None:
    with pytest.raises(AttributeError, match="module 'colorsys' has no attribute 'nothing'"):
        _ = later("colorsys").nothing
    with pytest.raises(ModuleNotFoundError):
        _ = later("no_such_library").anything
