"""Which language a client gets."""

import pytest

from headless_presale.kernel.locales import canonical_locale, is_locale, negotiate, parents, pick


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN", "zh-CN"),
        ("ZH-cn", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh-Hans-CN", "zh-CN"),
        ("zh-TW,zh;q=0.8,en;q=0.5", "zh-CN"),
        ("fr, zh;q=0.8, en;q=0.9", "en"),
        ("fr, zh;q=0.9, en;q=0.8", "zh-CN"),
        ("en;q=0.5, zh-CN;q=0.5", "en"),
        ("zh-CN;q=0.5, en;q=0.5", "zh-CN"),
        ("fr", "en"),
        ("fr, *;q=0.1", "en"),
        ("en;q=0, *", "zh-CN"),
        ("zh;q=0, zh-CN", "en"),
        ("zh-CN;q=0", "en"),
        ("zh-CN;q=2, en", "en"),
        ("zh-CN;q=x", "en"),
        (";;;,,,q=1", "en"),
        ("zh CN", "en"),
        ("\0,zh", "zh-CN"),
        ("en;q=0.1," + "x" * 100_000 + ",zh", "en"),
    ],
)
def test_negotiate(header: str, expected: str) -> None:
    assert negotiate(header) == expected


def test_parents_of_a_tag() -> None:
    assert list(parents("zh-hans-cn")) == ["zh-Hans-CN", "zh-Hans", "zh"]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("zh-CN", True), ("en", True), ("", False), ("zh_CN", False), ("x" * 9, False),
     ("zh-Hans-CN", True), ("zh-Hans-CN-x", False), ("zh-CN\n", False)],
)  # fmt: skip
def test_is_locale(tag: str, expected: bool) -> None:
    assert is_locale(tag) is expected


def test_canonical_spelling() -> None:
    assert [canonical_locale(tag) for tag in ("ZH-cn", "zh-hans", "EN")] == [
        "zh-CN",
        "zh-Hans",
        "en",
    ]


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("zh-CN", {"title": "月（简）", "body": "正文", "note": "Note"}),
        ("zh-TW", {"title": "月", "body": "正文", "note": "Note"}),
        ("zh", {"title": "月", "body": "正文", "note": "Note"}),
        ("en", {"title": "Moon", "body": "Body", "note": "Note"}),
        ("fr", {"title": "Moon", "body": "Body", "note": "Note"}),
    ],
)
def test_pick_falls_back_text_by_text(locale: str, expected: dict[str, str]) -> None:
    # Given: an empty translation of the note counts as none
    translations = {
        "zh-CN": {"title": "月（简）", "note": ""},
        "zh": {"title": "月", "body": "正文"},
    }
    own = {"title": "Moon", "body": "Body", "note": "Note"}

    assert pick(translations, locale, own, fallback_locale="en") == expected


def test_pick_stops_at_the_language_that_texts_are_written_in() -> None:
    translations = {"zh": {"title": "月"}, "zh-CN": {"title": "never"}}

    chosen = pick(translations, "zh-CN", {"title": "月亮"}, fallback_locale="zh-CN")

    assert chosen == {"title": "月亮"}


def test_pick_returns_no_text_that_was_not_asked_for() -> None:
    assert pick({"zh": {"secret": "x"}}, "zh", {"title": "Moon"}) == {"title": "Moon"}
