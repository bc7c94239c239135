"""What a customer reads about what is his own, in every language we speak. See ``messages``."""

from collections.abc import Mapping

MESSAGES: Mapping[str, Mapping[str, str]] = {
    "ADDRESS_NOT_FOUND": {
        "en": "There is no such address in your address book.",
        "zh-CN": "您的地址簿中没有这个地址。",
    },
    "NOTIFICATION_MANDATORY": {
        "en": "Mails about your orders and the safety of your account cannot be turned off.",
        "zh-CN": "有关订单和账户安全的邮件不能关闭。",
    },
}

REASONS: Mapping[str, str] = {
    "at most {most} addresses": "最多保存 {most} 个地址",
    "at most {most} consents": "最多记录 {most} 次同意",
}
"""A reason as the code writes it -> the same clause."""
