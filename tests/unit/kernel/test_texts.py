"""Names and descriptions: one line, seen and kept as it was given."""

from collections.abc import Callable

import pytest

from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.texts import read_description, read_name

AT = ("wish", "text")


@pytest.mark.parametrize("read", [read_name, read_description])
@pytest.mark.parametrize("bad", ["a\nb", "a\x00b", "a\ud83d", "\udfffb", "abcdef"])
def test_what_cannot_be_seen_or_kept_is_refused(read: Callable[..., str], bad: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(bad, AT, longest=5)

    assert refused.value.field == AT


@pytest.mark.parametrize("read", [read_name, read_description])
def test_outer_space_does_not_count(read: Callable[..., str]) -> None:
    assert read(" 星狐 mk \n", AT, longest=5) == "星狐 mk"


def test_a_description_may_be_empty_and_a_name_may_not() -> None:
    assert read_description("  ", AT, longest=5) == ""
    with pytest.raises(InvalidInput):
        read_name("  ", AT, longest=5)
