"""What comes from outside is remembered where it is short: nobody fills the memory."""

from collections.abc import Callable

import pytest

from headless_presale.kernel.locales import LONGEST_REMEMBERED, parents
from headless_presale.kernel.remembering import remembering


def test_short_texts_are_read_once_and_long_ones_each_time() -> None:
    read: list[str] = []

    @remembering(most=2, longest=3)
    def upper(text: str) -> str:
        read.append(text)
        return text.upper()

    assert [upper(text) for text in ("abc", "abc", "abcd", "abcd")] == ["ABC", "ABC"] + 2 * ["ABCD"]
    assert read == ["abc", "abcd", "abcd"]
    # Of three the one that was asked for first is forgotten.
    for text in ("d", "e", "abc"):
        upper(text)
    assert read[3:] == ["d", "e", "abc"]


@pytest.mark.parametrize(
    ("find", "short", "long"),
    [(parents, "zh-Hans-CN", "-".join("a" * LONGEST_REMEMBERED))],
)
def test_of_a_long_tag_nothing_stays(
    find: Callable[[str], tuple[str, ...]], short: str, long: str
) -> None:
    assert find(short) is find(short)
    assert find(long) == find(long)
    assert find(long) is not find(long)
