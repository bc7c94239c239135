"""A refusal that a buyer or a merchant can meet is told in Chinese to the last clause."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from headless_presale.kernel.errors import InvalidInput
from resolvers.messages import REASONS, message_of

ROOT = Path(__file__).parents[3]
BUYERS_MEET = (
    "headless_presale/carts",
    "headless_presale/checkout",
    "headless_presale/customers",
    "headless_presale/notify_me",
    "headless_presale/orders",
    "headless_presale/payments",
)
MERCHANTS_MEET = (
    "headless_presale/identity",
    "headless_presale/campaigns",
    "headless_presale/shops",
    "headless_presale/catalog",
    "headless_presale/media",
    "headless_presale/webhooks",
    "headless_presale/kernel",
)
REASONED = {"InvalidInput", "PaymentNotDue", "CampaignConflict"}


def reasons_written() -> Iterator[tuple[str, ast.expr]]:
    """Yield every ``reason=`` of a refusal in the code behind mutations."""
    folders = [ROOT / folder for folder in (*BUYERS_MEET, *MERCHANTS_MEET, "resolvers")]
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in REASONED:
                for keyword in node.keywords:
                    if keyword.arg == "reason":
                        yield f"{path.name}:{node.lineno}", keyword.value
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Fault":
                yield f"{path.name}:{node.lineno}", node.args[2]


def test_every_reason_is_a_plain_template_with_a_translation() -> None:
    written = dict(reasons_written())

    assert len(written) >= 15
    templates = {
        place: value.value if isinstance(value, ast.Constant) else None
        for place, value in written.items()
    }
    assert {place for place, text in templates.items() if text is None} == set()
    assert {text for text in templates.values() if text not in REASONS["zh-CN"]} == set()


def test_no_translation_is_left_over() -> None:
    written = {value.value for _, value in reasons_written() if isinstance(value, ast.Constant)}
    assert REASONS["zh-CN"].keys() - written == set()


@pytest.mark.parametrize(
    ("locale", "message"),
    [
        ("en", "The input cannot be used: the quantity must be within 1 and 100."),
        ("zh-CN", "输入内容无法使用：数量须在 1 到 100 之间。"),
    ],
)
def test_a_reason_is_told_in_both_languages(locale: str, message: str) -> None:
    refusal = InvalidInput(reason="the quantity must be within 1 and {most}", most=100)

    assert message_of(refusal, locale) == message
