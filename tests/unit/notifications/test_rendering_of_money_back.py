"""What is given back and what is kept, in both languages: what each message says."""

from typing import Any

import pytest

from headless_presale.campaigns import MissedBalance
from headless_presale.notifications import MessageKind
from headless_presale.orders import OrderStatus
from tests.unit.notifications import samples
from tests.unit.notifications.samples import DUE, ORDER_NUMBER, REMINDED, say


@pytest.mark.parametrize(
    ("locale", "context", "present", "absent"),
    [
        (
            "en",
            samples.cancelled(),
            ["Your order with Moonlit Forge has been cancelled.", "Refund: CN¥130.00"],
            "Not refunded",
        ),
        (
            "zh-CN",
            samples.cancelled(),
            ["您在 Moonlit Forge 的预售订单已取消。", "退款金额：¥130.00"],
            "不予退还",
        ),
        (
            "en",
            samples.cancelled(source=OrderStatus.PAID, refunded_minor=52_000),
            ["Paid: CN¥650.00", "Refund: CN¥520.00", "Not refunded: CN¥130.00"],
            "called off",
        ),
        (
            "zh-CN",
            samples.cancelled(source=OrderStatus.PAID, refunded_minor=52_000),
            ["已付金额：¥650.00", "退款金额：¥520.00", "不予退还：¥130.00"],
            "取消原因",
        ),
        (
            "en",
            samples.cancelled(source=OrderStatus.AWAITING_BALANCE, refunded_minor=0),
            ["Paid: CN¥130.00", "Refund: CN¥0.00", "Not refunded: CN¥130.00"],
            "goes back the way you paid",
        ),
        (
            "zh-CN",
            samples.cancelled(source=OrderStatus.AWAITING_BALANCE, refunded_minor=0),
            ["退款金额：¥0.00", "不予退还：¥130.00"],
            "按原支付方式退回",
        ),
        (
            "en",
            samples.cancelled(shop_reason="The glaze is sold out.", refunded_before_minor=3_000),
            [
                "Moonlit Forge has cancelled your order.",
                "The shop's reason: The glaze is sold out.",
                "Refunded earlier: CN¥30.00",
            ],
            "Not refunded",
        ),
        (
            "zh-CN",
            samples.cancelled(
                shop_reason="釉料缺货", refunded_before_minor=3_000, refunded_minor=5_000
            ),
            [
                "Moonlit Forge 已取消您的预售订单。",
                "取消原因：釉料缺货",
                "此前已退：¥30.00",
                "退款金额：¥50.00",
                "不予退还：¥50.00",
            ],
            "尾款",
        ),
        (
            "en",
            samples.cancelled(campaign_reason="The mould broke."),
            [f"order {ORDER_NUMBER}.", "The shop's reason: The mould broke."],
            "Not refunded",
        ),
        (
            "zh-CN",
            samples.cancelled(campaign_reason="模具损坏"),
            [
                "非常抱歉，Moonlit Forge 已取消本次预售活动，您的订单也随之取消。",
                "取消原因：模具损坏",
            ],
            "不予退还",
        ),
        (
            "en",
            samples.cancelled(
                of=samples.order(missed=MissedBalance.REFUND, reminded_at=REMINDED),
                source=OrderStatus.AWAITING_BALANCE,
                at=DUE,
            ),
            ["March 16, 2026 at 18:00 UTC and was not paid. The order has been cancelled."],
            "Not refunded",
        ),
        (
            "zh-CN",
            samples.cancelled(
                of=samples.order(missed=MissedBalance.REFUND, reminded_at=REMINDED),
                source=OrderStatus.AWAITING_BALANCE,
                at=DUE,
            ),
            [
                "您在 Moonlit Forge 的预售订单未在 2026年3月17日 02:00（北京时间）前支付尾款，"
                "订单已取消。"
            ],
            "不予退还",
        ),
    ],
)
def test_a_cancellation_accounts_for_the_money(
    locale: str, context: dict[str, Any], present: list[str], absent: str
) -> None:
    message = say(MessageKind.ORDER_CANCELLED, locale, context)

    assert ORDER_NUMBER in message.subject
    assert set(present) <= set(message.text.splitlines())
    assert absent not in message.text
    assert absent not in message.html


@pytest.mark.parametrize(
    ("locale", "subject", "lines"),
    [
        (
            "en",
            f"Your order {ORDER_NUMBER} is closed: the balance was not paid in time – "
            "Moonlit Forge",
            [
                "Balance not paid: CN¥520.00",
                "It was due by: March 16, 2026 at 18:00 UTC",
                "Deposit not refunded: CN¥130.00",
            ],
        ),
        (
            "zh-CN",
            f"【Moonlit Forge】尾款逾期未支付，订单 {ORDER_NUMBER} 已关闭",
            [
                "未付尾款：¥520.00",
                "支付截止时间：2026年3月17日 02:00（北京时间）",
                "不予退还的定金：¥130.00",
            ],
        ),
    ],
)
def test_a_forfeit_says_what_is_kept_and_why(locale: str, subject: str, lines: list[str]) -> None:
    message = say(MessageKind.ORDER_FORFEITED, locale, samples.forfeited())

    assert message.subject == subject
    assert set(lines) <= set(message.text.splitlines())


@pytest.mark.parametrize(
    ("status", "english", "chinese"),
    [
        (
            OrderStatus.EXPIRED,
            "it arrived after the reservation time had run out, and your slots are no longer",
            "付款到账时，名额保留时间已过，且名额已无法恢复。",
        ),
        (
            OrderStatus.CANCELLED,
            "it arrived after the order had been cancelled.",
            "付款到账时，订单已取消。",
        ),
        (
            OrderStatus.FORFEITED,
            "it arrived after the order had been closed because the balance was overdue.",
            "付款到账时，订单已因尾款逾期未支付而关闭。",
        ),
        (
            OrderStatus.PAID,
            "this part of the order had been paid already.",
            "该笔款项此前已支付，属于重复付款。",
        ),
    ],
)
def test_a_refused_payment_is_explained_and_returned(
    status: OrderStatus, english: str, chinese: str
) -> None:
    in_english = say(MessageKind.LATE_PAYMENT_REFUSED, "en", samples.late(status))
    in_chinese = say(MessageKind.LATE_PAYMENT_REFUSED, "zh-CN", samples.late(status))

    assert in_english.subject == (
        f"We are refunding your payment of CN¥130.00: order {ORDER_NUMBER} – Moonlit Forge"
    )
    assert {english, "Refund in full: CN¥130.00"} <= set(in_english.text.splitlines())
    assert in_chinese.subject == (f"【Moonlit Forge】订单 {ORDER_NUMBER} 的付款 ¥130.00 将原路退回")
    assert {chinese, "全额退款：¥130.00"} <= set(in_chinese.text.splitlines())


@pytest.mark.parametrize(
    ("locale", "subject", "lines"),
    [
        (
            "en",
            f"A refund of CN¥30.00 for your order {ORDER_NUMBER} – Moonlit Forge",
            ["The shop's reason: A scratch on the box", "Refund: CN¥30.00"],
        ),
        (
            "zh-CN",
            f"【Moonlit Forge】订单 {ORDER_NUMBER} 退款 ¥30.00",
            ["退款原因：A scratch on the box", "退款金额：¥30.00"],
        ),
    ],
)
def test_a_refund_by_the_shop_says_how_much_and_why(
    locale: str, subject: str, lines: list[str]
) -> None:
    message = say(MessageKind.ORDER_REFUNDED, locale, samples.refunded())

    assert message.subject == subject
    assert set(lines) <= set(message.text.splitlines())
    for line in lines:
        assert line.split("：")[-1].split(": ")[-1] in message.html
