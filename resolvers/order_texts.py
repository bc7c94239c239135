"""An order's history as a person reads it: who did what, in every language we speak."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from headless_presale.kernel.events import EventRecord
from headless_presale.kernel.money import Money
from resolvers.context import RequestContext
from resolvers.messages import DEFAULT_LOCALE, in_language

SENTENCES: Mapping[str, Mapping[str, str]] = {
    "order.placed": {
        "en": "Order placed over {amount}; the slots are held",
        "zh-CN": "已下单，金额 {amount}，名额已保留",
    },
    "order.confirmed": {"en": "Order confirmed", "zh-CN": "订单已确认"},
    "order.balance_opened": {"en": "The balance can be paid", "zh-CN": "尾款开始支付"},
    "order.balance_reminded": {
        "en": "The buyer was reminded of the balance",
        "zh-CN": "已提醒支付尾款",
    },
    "order.paid": {"en": "Order paid in full", "zh-CN": "订单已付清"},
    "order.expired": {
        "en": "Order expired unpaid; the slots went back",
        "zh-CN": "订单超时未付，名额已释放",
    },
    "order.forfeited": {
        "en": "Balance missed: the deposit is kept, the slots went back",
        "zh-CN": "尾款逾期：定金不予退还，名额已释放",
    },
    "order.cancelled": {
        "en": "Order cancelled; {amount} goes back to the buyer",
        "zh-CN": "订单已取消，退还买家 {amount}",
    },
    "order.refunded": {
        "en": "The shop gives {amount} back; the order goes on",
        "zh-CN": "店铺退还 {amount}，订单继续有效",
    },
    "order.token_revoked": {
        "en": "The order's link was replaced; the old one opens nothing",
        "zh-CN": "订单链接已更换，旧链接失效",
    },
    "order.late_payment_refused": {
        "en": "{amount} came too late and goes back",
        "zh-CN": "{amount} 到账过迟，将予退回",
    },
    "payment.started": {
        "en": "The buyer set out to pay the {leg}, {amount}, with {gateway}",
        "zh-CN": "买家开始通过 {gateway} 支付{leg} {amount}",
    },
    "payment.captured": {"en": "The {leg} was paid: {amount}", "zh-CN": "已支付{leg}：{amount}"},
    "payment.failed": {
        "en": "A payment of {amount} was declined",
        "zh-CN": "一笔 {amount} 的支付被拒绝",
    },
    "payment.cancelled": {
        "en": "A payment of {amount} ended unpaid",
        "zh-CN": "一笔 {amount} 的支付未完成即结束",
    },
    "payment.surplus": {
        "en": "The {leg} was paid once more; {amount} goes back",
        "zh-CN": "{leg}重复支付，{amount} 将予退回",
    },
    "payment.mismatched": {
        "en": "The gateway took another amount than the {amount} asked for",
        "zh-CN": "支付平台实收金额与应付的 {amount} 不符",
    },
    "refund.requested": {"en": "A refund of {amount} is owed", "zh-CN": "应退款 {amount}"},
    "refund.succeeded": {"en": "{amount} went back to the buyer", "zh-CN": "已退回买家 {amount}"},
    "refund.failed": {
        "en": "The gateway could not give {amount} back; it is asked again",
        "zh-CN": "支付平台未能退回 {amount}，将再次请求",
    },
}
"""Type of an event -> locale -> its sentence; a test holds it against the events there are."""

LEGS: Mapping[str, Mapping[str, str]] = {
    "DEPOSIT": {"en": "deposit", "zh-CN": "定金"},
    "BALANCE": {"en": "balance", "zh-CN": "尾款"},
    "FULL": {"en": "full price", "zh-CN": "全款"},
}

ACTORS: Mapping[str, Mapping[str, str]] = {
    "buyer": {"en": "The buyer", "zh-CN": "买家"},
    "customer": {"en": "The buyer, signed in", "zh-CN": "买家（已登录）"},
    "system": {"en": "The system", "zh-CN": "系统"},
    "cli": {"en": "The command line", "zh-CN": "命令行"},
    "gateway": {"en": "Payment gateway {id}", "zh-CN": "支付平台 {id}"},
    "staff": {"en": "A former member of the staff", "zh-CN": "已离开的员工"},
    "client": {"en": "A former application", "zh-CN": "已移除的应用"},
}
"""Kind of an actor -> locale -> what he is called; staff and clients have names of their own."""

_AMOUNTS = ("amount_minor", "refunded_minor", "total_minor")


def amount_of(payload: Mapping[str, Any]) -> Money | None:
    """Return the money that an event was about."""
    minor = next((payload[name] for name in _AMOUNTS if name in payload), None)
    currency = payload.get("currency")
    return None if minor is None or currency is None else Money(minor, currency)


def sentence_of(event: EventRecord, locale: str) -> str:
    """Return what happened as a sentence; an event without one is told by its type."""
    said = SENTENCES.get(event.type)
    if said is None:
        return event.type
    leg = str(event.payload.get("leg", ""))
    return in_language(said, locale).format(
        amount=amount_of(event.payload),
        leg=in_language(LEGS.get(leg, {DEFAULT_LOCALE: leg}), locale),
        gateway=event.payload.get("gateway", ""),
    )


async def actor_label(context: RequestContext, actor: str) -> str:
    """Return how people call who acted: an e-mail address, a client's name, a word of ours."""
    kind, _, name = actor.partition(":")
    if kind == "staff" and (account := await context.loaders.accounts.load(UUID(name))):
        return account.email
    if kind == "client" and (client := await context.loaders.api_clients.load(UUID(name))):
        return client.name
    return in_language(ACTORS.get(kind, {DEFAULT_LOCALE: actor}), context.locale).format(id=name)
