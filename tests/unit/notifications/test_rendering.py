"""What is paid and what is due, in both languages: what each message says."""

import pytest

from headless_presale.campaigns import MissedBalance
from headless_presale.notifications import MessageKind
from tests.unit.notifications import samples
from tests.unit.notifications.samples import ORDER_NUMBER, say


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
