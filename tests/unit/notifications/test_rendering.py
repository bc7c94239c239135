"""Every message in both languages: what it says."""

from typing import Any

import pytest

from headless_presale.campaigns import MissedBalance
from headless_presale.notifications import MessageKind
from headless_presale.notifications.rendering import RenderedMessage, render
from headless_presale.orders import OrderStatus
from tests.unit.notifications import samples
from tests.unit.notifications.samples import DUE, ORDER_NUMBER, REMINDED


def say(
    kind: MessageKind, locale: str, context: dict[str, Any], link: str | None = None
) -> RenderedMessage:
    return render(kind, locale, context, order_link=link)


def test_a_confirmation_in_english_has_every_detail() -> None:
    message = say(MessageKind.ORDER_CONFIRMED, "en", samples.confirmed())

    assert message.subject == (
        f"Deposit received: order {ORDER_NUMBER} is confirmed – Moonlit Forge"
    )
    assert (
        message.text
        == f"""\
Hello Lin,

Thank you! Your deposit has arrived and your order with Moonlit Forge is
confirmed. These slots are yours.

Order number: {ORDER_NUMBER}

Nebula Fox
  Slots: 1–3, 7
  Quantity: 4
  Unit price: CN¥90.00
  Price by time of order: Early bird, 90% of the presale price
  Gift: Enamel pin
  Line total: CN¥360.00
  Ships by: June 30, 2026

Nebula Fox
  Slots: 8–9
  Quantity: 2
  Unit price: CN¥95.00
  Price by slot number: First 10, 95% of the presale price
  Line total: CN¥190.00
  Ships by: June 30, 2026

Nebula Fox
  Slots: 11
  Quantity: 1
  Unit price: CN¥100.00
  This is the presale price.
  Line total: CN¥100.00
  Ships by: June 30, 2026

Total: CN¥650.00
Deposit paid: CN¥130.00
Balance: CN¥520.00
Balance can be paid from: March 9, 2026 at 12:00 UTC
Balance is due by: March 16, 2026 at 18:00 UTC

We will remind you before the balance is due.

Terms you accepted: version 3

--
Moonlit Forge
This message was sent automatically.
"""
    )


def test_a_confirmation_in_chinese_has_every_detail() -> None:
    message = say(MessageKind.ORDER_CONFIRMED, "zh-CN", samples.confirmed())

    assert message.subject == f"【Moonlit Forge】定金支付成功，订单 {ORDER_NUMBER} 已确认"
    assert (
        message.text
        == f"""\
Lin，您好：

感谢您的支持！您在 Moonlit Forge 的预售订单已收到定金，以下名额已为您锁定。

订单号：{ORDER_NUMBER}

Nebula Fox
  名额编号：1–3、7
  数量：4
  单价：¥90.00
  计价方式：按下单时间，Early bird（预售价 9 折）
  赠品：Enamel pin
  小计：¥360.00
  承诺发货时间：不晚于 2026年6月30日

Nebula Fox
  名额编号：8–9
  数量：2
  单价：¥95.00
  计价方式：按名额编号，First 10（预售价 9.5 折）
  小计：¥190.00
  承诺发货时间：不晚于 2026年6月30日

Nebula Fox
  名额编号：11
  数量：1
  单价：¥100.00
  计价方式：预售价
  小计：¥100.00
  承诺发货时间：不晚于 2026年6月30日

订单总额：¥650.00
已付定金：¥130.00
待付尾款：¥520.00
尾款支付开始时间：2026年3月9日 20:00（北京时间）
尾款支付截止时间：2026年3月17日 02:00（北京时间）

尾款支付截止前，我们会再次提醒您。

您已同意的预售条款：第 3 版

--
Moonlit Forge
本邮件由系统自动发送，请勿直接回复。
"""
    )


@pytest.mark.parametrize(
    ("locale", "subject", "paid", "deposit", "late"),
    [
        (
            "en",
            f"Payment received: order {ORDER_NUMBER} is confirmed – Moonlit Forge",
            "Paid: CN¥650.00",
            "eposit",
            "still slots for you; please go by the slot numbers in this message.",
        ),
        (
            "zh-CN",
            f"【Moonlit Forge】付款成功，订单 {ORDER_NUMBER} 已确认",
            "已付金额：¥650.00",
            "定金",
            "已重新为您锁定，请以本邮件中的名额编号为准。",
        ),
    ],
)
def test_a_late_full_payment_speaks_of_no_deposit(
    locale: str, subject: str, paid: str, deposit: str, late: str
) -> None:
    context = samples.confirmed(of=samples.order(deposit_minor=0), is_late=True)

    message = say(MessageKind.ORDER_CONFIRMED, locale, context)

    assert message.subject == subject
    assert paid in message.text.splitlines()
    assert late in message.text
    assert deposit not in message.text + message.html


@pytest.mark.parametrize(
    ("locale", "missed", "subject", "lines"),
    [
        (
            "en",
            MissedBalance.FORFEIT,
            "Please pay the balance of CN¥520.00 by March 16, 2026 at 18:00 UTC: "
            f"order {ORDER_NUMBER} – Moonlit Forge",
            [
                "Amount due: CN¥520.00",
                "Pay by: March 16, 2026 at 18:00 UTC",
                "buyers, and the deposit is not refunded.",
            ],
        ),
        (
            "en",
            MissedBalance.REFUND,
            "Please pay the balance of CN¥520.00 by March 16, 2026 at 18:00 UTC: "
            f"order {ORDER_NUMBER} – Moonlit Forge",
            ["Amount due: CN¥520.00", "other buyers, and the deposit is refunded."],
        ),
        (
            "zh-CN",
            MissedBalance.FORFEIT,
            "【Moonlit Forge】请于 2026年3月17日 02:00（北京时间）前支付尾款 ¥520.00，"
            f"订单 {ORDER_NUMBER}",
            [
                "待付尾款：¥520.00",
                "支付截止时间：2026年3月17日 02:00（北京时间）",
                "逾期未支付尾款，订单将关闭，名额将释放给其他买家，定金不予退还。",
            ],
        ),
        (
            "zh-CN",
            MissedBalance.REFUND,
            "【Moonlit Forge】请于 2026年3月17日 02:00（北京时间）前支付尾款 ¥520.00，"
            f"订单 {ORDER_NUMBER}",
            ["逾期未支付尾款，订单将取消，名额将释放给其他买家，定金将原路退回。"],
        ),
    ],
)
def test_a_reminder_says_how_much_until_when_and_what_else(
    locale: str, missed: MissedBalance, subject: str, lines: list[str]
) -> None:
    context = samples.reminded(of=samples.order(missed=missed))

    message = say(MessageKind.BALANCE_REMINDER, locale, context)

    assert message.subject == subject
    assert set(lines) <= set(message.text.splitlines())


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
