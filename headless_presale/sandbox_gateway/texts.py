"""Texts of the hosted page, and the choice of their language."""

from typing import Final

TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "Pay",
        "sandbox": "Sandbox: no real money moves",
        "amount": "Amount",
        "reference": "Reference",
        "expires_at": "Pay before",
        "pay": "Pay",
        "fail": "Decline the card",
        "abandon": "Leave without paying",
        "back": "Back to the shop",
        "requires_payment": "Waiting for your payment.",
        "failed": "The card was declined. Nothing was charged; you can try again.",
        "succeeded": "Paid. Thank you!",
        "cancelled": "This payment was cancelled by the shop. Nothing was charged.",
        "expired": "The time to pay has passed. Nothing was charged.",
        "abandoned": "You left without paying. You can still pay here.",
        "stale": "This page was out of date. Please check and choose again.",
        "not_found": "There is no such payment.",
        "forbidden": "This form is not valid. Open the payment page again.",
        "bad_request": "This request could not be understood.",
        "unavailable": "Something went wrong. Please try again.",
    },
    "zh-CN": {
        "title": "付款",
        "sandbox": "沙盒环境：不会产生真实资金交易",
        "amount": "金额",
        "reference": "支付参考号",
        "expires_at": "付款截止时间",
        "pay": "付款",
        "fail": "模拟银行卡被拒",
        "abandon": "不付款，离开",
        "back": "返回商家",
        "requires_payment": "等待付款。",
        "failed": "银行卡被拒，未扣款，您可以重新付款。",
        "succeeded": "付款成功，谢谢！",
        "cancelled": "商家已取消此付款，未扣款。",
        "expired": "已超过付款时间，未扣款。",
        "abandoned": "您未付款即离开，仍可在此继续付款。",
        "stale": "页面已过期，请核对后重新选择。",
        "not_found": "找不到此付款。",
        "forbidden": "表单无效，请重新打开付款页面。",
        "bad_request": "无法识别此请求。",
        "unavailable": "出现问题，请稍后重试。",
    },
}
DEFAULT_LANGUAGE: Final = "en"


def choose_language(wanted: str | None, accept_language: str) -> str:
    """Return ``en`` or ``zh-CN``: what the address asks for, else what the browser prefers.

    Args:
        wanted: The ``lang`` parameter; one that is not spoken here is passed over.
        accept_language: The header's value; may be empty or malformed.
    """
    ranges = [(_weight(item), item) for item in accept_language.split(",")]
    # Sorting is stable: of equal weights the first named wins.
    preferred = [item for weight, item in sorted(ranges, key=lambda pair: -pair[0]) if weight > 0]
    for candidate in ([wanted] if wanted else []) + preferred:
        primary = candidate.partition(";")[0].strip().lower().partition("-")[0]
        for language in TEXTS:
            if primary == language.lower().partition("-")[0]:
                return language
    return DEFAULT_LANGUAGE


def _weight(item: str) -> float:
    _, _, quality = item.partition(";q=")
    try:
        return float(quality) if quality else 1.0
    except ValueError:
        return 0.0
