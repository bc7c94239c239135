"""What each of a shop's numbers does, in every language we speak."""

from collections.abc import Mapping

from resolvers.messages import in_language

POLICY_TEXTS: Mapping[str, Mapping[str, str]] = {
    "default_deposit_bps": {
        "en": "Share of the price that is the deposit, where a campaign names none.",
        "zh-CN": "预售活动未指定定金时，定金占价格的比例。",
    },
    "warn_deposit_bps": {
        "en": "A deposit above this share is warned about: it deters buyers.",
        "zh-CN": "定金比例高于此值时会提醒：过高的定金会让买家却步。",
    },
    "default_hold_seconds": {
        "en": "How long slots wait for the first payment, where a campaign says nothing else.",
        "zh-CN": "预售活动未另行规定时，名额等待首次付款的时间。",
    },
    "recommended_window_min_days": {
        "en": "A campaign that is open for less than this is warned about.",
        "zh-CN": "预售活动的开放天数少于此值时会提醒。",
    },
    "recommended_window_max_days": {
        "en": "A campaign that is open for longer than this is warned about.",
        "zh-CN": "预售活动的开放天数多于此值时会提醒。",
    },
    "warn_ship_days": {
        "en": "A promise to ship later than this after the close is warned about.",
        "zh-CN": "承诺的发货时间晚于活动结束后此天数时会提醒。",
    },
    "default_reminder_seconds": {
        "en": "How long before the balance is due buyers are reminded, where a campaign says "
        "nothing else.",
        "zh-CN": "预售活动未另行规定时，在尾款到期前多久提醒买家。",
    },
}
"""By the policy's name, then by locale."""


def policy_text(name: str, locale: str) -> str:
    """Return what a number does, in the language of whoever asks."""
    return in_language(POLICY_TEXTS[name], locale)
