"""What a client reads: the sentence of every domain error, in every language we speak.

Keyed by code; the placeholders are the error's parameters. Codes are the contract, sentences are
for people and may change.
"""

from collections.abc import Mapping
from datetime import date
from typing import TypeVar

from babel.dates import format_date

from headless_presale.campaigns import Fault
from headless_presale.kernel.errors import DomainError, Reasoned
from headless_presale.kernel.locales import SUPPORTED_LOCALES
from resolvers import campaign_texts, cart_texts, catalog_texts, customer_texts
from resolvers.catalog_reasons import CATALOG_REASONS

T = TypeVar("T")

DEFAULT_LOCALE = SUPPORTED_LOCALES[0]

MESSAGES: Mapping[str, Mapping[str, str]] = {
    **campaign_texts.MESSAGES,
    **cart_texts.MESSAGES,
    **catalog_texts.MESSAGES,
    **customer_texts.MESSAGES,
    "CANCEL_NOT_ALLOWED": {
        "en": "This order can no longer be cancelled: {status}.",
        "zh-CN": "该订单已无法取消：{status}。",
    },
    "CLIENT_NOT_FOUND": {
        "en": "There is no such application.",
        "zh-CN": "没有这个应用。",
    },
    "CURRENCY_MISMATCH": {
        "en": "The items are priced in different currencies.",
        "zh-CN": "所选商品的计价货币不同。",
    },
    "GATEWAY_UNAVAILABLE": {
        "en": "The payment service {gateway} does not answer. Your order is kept; "
        "try again in a moment.",
        "zh-CN": "支付服务 {gateway} 暂时没有响应。订单已为您保留，请稍后重试。",
    },
    "GATEWAY_UNKNOWN": {
        "en": "There is no payment service called {gateway}.",
        "zh-CN": "没有名为 {gateway} 的支付服务。",
    },
    "GRANT_NOT_FOUND": {
        "en": "There is no such authorization.",
        "zh-CN": "没有这项授权。",
    },
    "IDEMPOTENCY_MISMATCH": {
        "en": "This idempotency key was used for a different request. Nothing was done.",
        "zh-CN": "该幂等键已用于另一个请求，本次未执行任何操作。",
    },
    "INVALID_INPUT": {
        "en": "The input cannot be used: {reason}.",
        "zh-CN": "输入内容无法使用：{reason}。",
    },
    "INVITATION_NOT_FOUND": {
        "en": "There is no open invitation with this id.",
        "zh-CN": "没有与该编号相符且仍有效的邀请。",
    },
    "LAST_OWNER": {
        "en": "This is the last owner. Make somebody else an owner first.",
        "zh-CN": "这是最后一位所有者，请先将其他成员设为所有者。",
    },
    "MEMBER_NOT_FOUND": {
        "en": "There is no such member of the staff.",
        "zh-CN": "没有这位员工。",
    },
    "NOTIFY_ME_CLOSED": {
        "en": "This campaign takes no more names: {status}.",
        "zh-CN": "该活动不再接受订阅提醒：{status}。",
    },
    "NOT_FOUND": {
        "en": "{what} was not found.",
        "zh-CN": "未找到：{what}。",
    },
    "ORDER_LINE_NOT_FOUND": {
        "en": "The order has no such line.",
        "zh-CN": "该订单没有这一行商品。",
    },
    "ORDER_LINK_NOT_CONFIGURED": {
        "en": "The link cannot be replaced: this shop's server mails no links to orders yet.",
        "zh-CN": "无法更换链接：该店铺的服务器尚未设置邮件中的订单链接。",
    },
    "ORDER_NOT_FOUND": {
        "en": "There is no such order that you may see.",
        "zh-CN": "没有您可以查看的该订单。",
    },
    "ORDER_TOKEN_REVOKED": {
        "en": "The link to this order was replaced. Use the one in the latest mail.",
        "zh-CN": "该订单的链接已更换，请使用最新邮件中的链接。",
    },
    "PAYMENT_NOT_DUE": {
        "en": "This payment cannot be made now: {reason}.",
        "zh-CN": "现在无法支付这笔款项：{reason}。",
    },
    "PRICE_CHANGED": {
        "en": "The price has changed: the total is {total} now.",
        "zh-CN": "价格已变动，现在的总价为 {total}。",
    },
    "PURCHASE_LIMIT": {
        "en": "At most {limit} per customer; you have {taken} already.",
        "zh-CN": "每位顾客限购 {limit} 件，您已购 {taken} 件。",
    },
    "REFUND_NOT_ALLOWED": {
        "en": "Nothing of this order can be given back: {status}.",
        "zh-CN": "该订单无法退款：{status}。",
    },
    "REFUND_TOO_LARGE": {
        "en": "At most {refundable} can be given back.",
        "zh-CN": "最多可退还 {refundable}。",
    },
    "SCOPES_EXCEEDED": {
        "en": "You cannot give permissions that you do not have: {scopes}.",
        "zh-CN": "您不能授予自己没有的权限：{scopes}。",
    },
    "SHOP_FIXED": {
        "en": "The {setting} of a shop cannot be changed once it has a product.",
        "zh-CN": "店铺已有商品，不能再修改{setting}。",
    },
    "SHOP_NOT_FOUND": {
        "en": "There is no shop {shop}.",
        "zh-CN": "店铺 {shop} 不存在。",
    },
    "SHOP_SLUG_TAKEN": {
        "en": "The address {slug} belongs to another shop.",
        "zh-CN": "地址 {slug} 已被其他店铺使用。",
    },
    "SLOTS_SOLD_OUT": {
        "en": "Not enough slots are left: {remaining}.",
        "zh-CN": "剩余名额不足，仅剩 {remaining} 个。",
    },
    "STAFF_MEMBER_EXISTS": {
        "en": "{email} belongs to the staff already.",
        "zh-CN": "{email} 已是店铺员工。",
    },
    "TERMS_OUTDATED": {
        "en": "The terms have changed. Read and accept version {current}.",
        "zh-CN": "预售条款已更新，请阅读并接受第 {current} 版。",
    },
    "TOO_MANY_ATTEMPTS": {
        "en": "Too many attempts. Try again in {retry_after_seconds} seconds.",
        "zh-CN": "尝试次数过多，请在 {retry_after_seconds} 秒后重试。",
    },
    "TRANSITION_NOT_ALLOWED": {
        "en": "{what} cannot go from {source} to {target}.",
        "zh-CN": "{what} 不能从 {source} 变为 {target}。",
    },
    "UPLOAD_TOO_LARGE": {
        "en": "The file is too large: at most {limit_mb} MB.",
        "zh-CN": "文件过大，最多 {limit_mb} MB。",
    },
    "VERSION_CONFLICT": {
        "en": "Somebody has changed this since you read it: it is at version {current_version} "
        "now. Nothing was saved.",
        "zh-CN": "在您读取之后，内容已被他人修改（当前版本为 {current_version}），本次未保存。",
    },
    "WEBHOOK_DELIVERY_NOT_FOUND": {
        "en": "There is no such webhook delivery.",
        "zh-CN": "没有这次 Webhook 推送。",
    },
    "WEBHOOK_ENDPOINT_NOT_FOUND": {
        "en": "There is no such webhook endpoint.",
        "zh-CN": "没有这个 Webhook 接收地址。",
    },
}

STATUS_WORDS: Mapping[str, Mapping[str, str]] = {
    "SCHEDULED": {"en": "it has not opened yet", "zh-CN": "尚未开始"},
    "LIVE": {"en": "it is open", "zh-CN": "已开始"},
    "CLOSED": {"en": "it has ended", "zh-CN": "已结束"},
    "CANCELLED": {"en": "it is cancelled", "zh-CN": "已取消"},
    "AWAITING_PAYMENT": {"en": "it is not paid", "zh-CN": "尚未付款"},
    "AWAITING_DEPOSIT": {"en": "its deposit is not paid", "zh-CN": "尚未支付定金"},
    "AWAITING_BALANCE": {"en": "its balance is due", "zh-CN": "待付尾款"},
    "DEPOSIT_PAID": {"en": "its deposit is paid", "zh-CN": "已付定金"},
    "PAID": {"en": "it is paid", "zh-CN": "已付清"},
    "EXPIRED": {"en": "it has expired", "zh-CN": "已超时失效"},
    "FORFEITED": {"en": "its deposit is forfeited", "zh-CN": "定金已没收"},
}
"""A ``status`` parameter as a clause; of campaigns and of orders."""

SETTING_WORDS: Mapping[str, Mapping[str, str]] = {
    **campaign_texts.SETTING_WORDS,
    "slug": {"en": "address", "zh-CN": "地址"},
    "currency": {"en": "currency", "zh-CN": "货币"},
}
"""A ``setting`` parameter as people call it."""

WORDS = {"status": STATUS_WORDS, "setting": SETTING_WORDS}
"""Parameters whose values are words of ours."""

SHIPS_WITHIN = {
    "en": ("Ships within {days} day", "Ships within {days} days"),
    "zh-CN": ("预计 {days} 天内发货", "预计 {days} 天内发货"),
}
SHIPS_BY = {"en": "Ships by {day}", "zh-CN": "预计 {day} 前发货"}
MAX_COUNTED_DAYS = 30
"""Beyond this a date says more than a number of days."""


REASONS: Mapping[str, Mapping[str, str]] = {
    "zh-CN": {
        **campaign_texts.REASONS["zh-CN"],
        "a description has at most {most} printable characters": "说明最多 {most} 个可见字符",
        "a merchant has at most {most} endpoints": "每个商家最多 {most} 个接收地址",
        "a replay begins within the last {days} days": "重新推送的起点须在最近 {days} 天内",
        "an address is absolute and https, in ASCII, without a user and a fragment": (
            "地址须为完整的 https 地址，仅含 ASCII 字符，不含用户名和片段"
        ),
        "name at least one event": "请至少选择一个事件",
        "name shops of this merchant, or leave them out for all": (
            "请选择该商家的店铺，留空表示全部"
        ),
        "the address must be one of the public internet": "地址须为公网地址",
        "the endpoint is off: turn it on first": "该接收地址已停用，请先启用",
        "the endpoint does not listen for this event any more": "该接收地址已不再订阅此类事件",
        "there is no event {name}; order.* means all of orders": (
            "没有事件 {name}；order.* 表示订单的全部事件"
        ),
        "the port is 443 or 8443": "端口须为 443 或 8443",
        "a mail needs the consent of who gets it": "须经收件人同意才能发送邮件",
        "a name has 1 to {most} printable characters": "名称须为 1 到 {most} 个可见字符",
        "a mini-program has none": "小程序没有此项",
        "a shop has at most {most} providers": "每个店铺最多 {most} 种登录方式",
        "an address is absolute, https (http to this machine alone), "
        "without a fragment and without a user": (
            "地址须为完整的 https 地址（仅本机可用 http），不含片段和用户名"
        ),
        "an issuer has at most {longest} characters and no query": (
            "签发者地址最多 {longest} 个字符，且不含查询参数"
        ),
        "must be ASCII of 1 to {longest} characters": "须为 1 到 {longest} 个 ASCII 字符",
        "must be ASCII without spaces, at most {longest} characters": (
            "须为不含空格的 ASCII 字符，最多 {longest} 个"
        ),
        "name 1 to {most} addresses": "请填写 1 到 {most} 个地址",
        "a refund is more than nothing": "退款金额须大于零",
        "an order has at most {most} notes": "每个订单最多 {most} 条备注",
        "an order has at most {most} refunds": "每个订单最多退款 {most} 次",
        "the token of an order is revoked at most {most} times": "一个订单的链接最多更换 {most} 次",
        "a slug is 1 to {most} lower-case letters and digits, in groups joined by single hyphens": (
            "地址须为 1 到 {most} 个小写字母和数字，可用单个连字符分隔"
        ),
        "at most {most} languages": "最多 {most} 种语言",
        "at most {most} events": "最多 {most} 个事件",
        "at most {most} lines": "最多 {most} 行",
        "country must be an ISO 3166-1 code such as CN": "国家须为 ISO 3166-1 代码，例如 CN",
        "each language is named once": "每种语言只能出现一次",
        "give either an amount or lines": "请填写金额或商品行，二者选一",
        "give either the address of a picture or an asset": "请在图片地址与已上传图片中选填一项",
        "the provider does not list this address": "该登录方式未登记此回调地址",
        "the picture is not one of this shop": "该图片不属于此店铺",
        "a name is missing": "缺少名称",
        "a public client has no secret": "公开客户端没有密钥",
        "a service is sent nowhere": "服务类应用没有回调地址",
        "an owner has all shops": "所有者拥有全部店铺",
        "name at least one scope": "请至少选择一个权限范围",
        "there is no scope {scope}": "没有权限范围 {scope}",
        "mails are written in {languages} alone": "邮件仅支持以下语言：{languages}",
        "must be a language tag such as zh-CN": "须为语言标签，例如 zh-CN",
        "must be an absolute http or https address without a user name": (
            "须为不含用户名的完整 http 或 https 地址"
        ),
        "must not be empty": "不能为空",
        "must not be longer than {longest} characters": "不能超过 {longest} 个字符",
        "must not be longer than {longest} characters, none of them NUL": (
            "不能超过 {longest} 个字符，且不能含有空字符"
        ),
        "must not contain NUL characters or halves of surrogate pairs": (
            "不能含有空字符或不完整的字符"
        ),
        "must not contain spaces or control characters": "不能含有空格或控制字符",
        "the balance was due earlier": "尾款已过支付期限",
        "the hold on the slots has run out": "名额的保留时间已过",
        "the number must be within {lowest} and {highest}": "数值须在 {lowest} 到 {highest} 之间",
        "the only text of a shop is its name": "店铺可翻译的文字只有名称",
        "name either lines or a cart": "请填写商品行或购物车，二者选一",
        "the order has no lines": "订单中没有商品",
        "the quantity must be within 1 and {most}": "数量须在 1 到 {most} 之间",
        "the shortest recommended window is longer than the longest": (
            "建议的最短活动天数大于最长天数"
        ),
        "the total is too large": "总金额过大",
        "there is no such policy": "没有这项规则",
        "this line is named twice": "同一行商品重复填写",
        "this is not a time zone such as Asia/Shanghai": "这不是有效的时区，例如 Asia/Shanghai",
        "an origin begins with https, but for this machine's own": (
            "来源须以 https 开头，本机地址除外"
        ),
        "an origin is a scheme, a host and perhaps a port, such as https://shop.example": (
            "来源由协议、主机及可选端口组成，例如 https://shop.example"
        ),
        "at most {most} origins": "最多 {most} 个来源",
        "this is not an ISO 4217 code such as CNY": "这不是 ISO 4217 货币代码，例如 CNY",
        "this is not an e-mail address": "这不是有效的邮箱地址",
        "this is no id of the type {kind}": "这不是 {kind} 的编号",
        "this part of the order is not what is due": "目前应付的不是订单的这一部分",
        "this payment was called off; start another one under a new key": (
            "该笔支付已取消，请使用新的幂等键重新发起"
        ),
        **CATALOG_REASONS,
        **customer_texts.REASONS,
    }
}
"""Locale -> a reason as the code writes it -> the same clause. English is what the code writes."""


def in_language(texts: Mapping[str, T], locale: str) -> T:
    """Return the text of a table in a language; in the default one where it has no other."""
    return texts.get(locale, texts[DEFAULT_LOCALE])


def message_of(error: DomainError, locale: str) -> str:
    """Return what to tell a person; a code without a translation speaks for itself."""
    templates = MESSAGES.get(error.code)
    if templates is None:
        return str(error)
    params = {name: _plain(name, value, locale) for name, value in error.params.items()}
    if isinstance(error, Reasoned):
        reason = REASONS.get(locale, {}).get(error.reason)
        if reason is not None:
            params["reason"] = reason.format(**error.params)
    return in_language(templates, locale).format(**params)


def fault_message(fault: Fault, locale: str) -> str:
    """Return what to tell a person of one fault of a campaign."""
    clause = REASONS.get(locale, {}).get(fault.reason, fault.reason)
    return clause.format(**fault.params)


def ships_text(ships_by: date, *, today: date, locale: str) -> str:
    """Return the ships-by text of a presale badge: ``Ships within 12 days``, or by a date."""
    days = (ships_by - today).days
    if 0 < days <= MAX_COUNTED_DAYS:
        one, many = in_language(SHIPS_WITHIN, locale)
        return (one if days == 1 else many).format(days=days)
    day = format_date(ships_by, format="long", locale=locale.replace("-", "_"))
    return in_language(SHIPS_BY, locale).format(day=day)


def _plain(name: str, value: object, locale: str) -> object:
    if name in WORDS:
        return WORDS[name].get(str(value), {}).get(locale, value)
    # Reasons are written as clauses; the sentence around them brings its own full stop.
    return value.rstrip(".") if isinstance(value, str) else value
