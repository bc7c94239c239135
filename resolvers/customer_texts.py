"""What a customer reads about what is his own, in every language we speak. See ``messages``."""

from collections.abc import Mapping

MESSAGES: Mapping[str, Mapping[str, str]] = {
    "ADDRESS_NOT_FOUND": {
        "en": "There is no such address in your address book.",
        "zh-CN": "您的地址簿中没有这个地址。",
    },
    "BUYER_MISMATCH": {
        "en": "You are signed in with another address, or to another shop. Sign out to order so.",
        "zh-CN": "您登录的邮箱或店铺与此不符，请退出登录后再下单。",
    },
    "CODE_REFUSED": {
        "en": "This code is not valid. Check it, or ask for a new one.",
        "zh-CN": "验证码无效，请核对或重新获取。",
    },
    "EMAIL_PROVEN_ALREADY": {
        "en": "This account has an e-mail address. Sign in with the other one instead.",
        "zh-CN": "该账户已绑定邮箱，请改用另一个邮箱登录。",
    },
    "ERASURE_BLOCKED": {
        "en": "Orders are under way ({count}): until they are delivered or cancelled, the shop "
        "has to know whom they are for.",
        "zh-CN": "有 {count} 个订单仍在进行中：在交付或取消之前，店铺需要保留收货信息。",
    },
    "EXPORT_TOO_SOON": {
        "en": "You asked for a copy of your data a short while ago. Another one can be asked for "
        "in {minutes} minutes.",
        "zh-CN": "您刚刚申请过个人数据副本，请在 {minutes} 分钟后再申请。",
    },
    "FRESH_SIGN_IN_REQUIRED": {
        "en": "Sign in again first: this needs a sign-in of the last {minutes} minutes.",
        "zh-CN": "请先重新登录：此操作需要在最近 {minutes} 分钟内登录。",
    },
    "NOTIFICATION_MANDATORY": {
        "en": "Mails about your orders and the safety of your account cannot be turned off.",
        "zh-CN": "有关订单和账户安全的邮件不能关闭。",
    },
    "PERSON_NOT_FOUND": {
        "en": "Nothing is known of this address in this shop.",
        "zh-CN": "该店铺没有与此邮箱相关的任何资料。",
    },
    "SESSION_ENDED": {
        "en": "The session has ended. Sign in again.",
        "zh-CN": "登录已失效，请重新登录。",
    },
    "SIGN_IN_BLOCKED": {
        "en": "The sign-in provider has blocked this user.",
        "zh-CN": "该用户已被登录平台限制登录。",
    },
    "SIGN_IN_PROVIDER_EXISTS": {
        "en": "The shop has this sign-in provider already.",
        "zh-CN": "店铺已添加过该登录方式。",
    },
    "SIGN_IN_PROVIDER_NOT_FOUND": {
        "en": "The shop has no such sign-in provider.",
        "zh-CN": "店铺没有这种登录方式。",
    },
    "SIGN_IN_PROVIDER_UNAVAILABLE": {
        "en": "{provider} cannot be reached at the moment. Try again, or sign in another way.",
        "zh-CN": "{provider} 暂时无法使用，请重试或换一种方式登录。",
    },
    "SIGN_IN_REFUSED": {
        "en": "This sign-in is not valid any more. Begin it anew.",
        "zh-CN": "本次登录已失效，请重新登录。",
    },
}

REASONS: Mapping[str, str] = {
    "at most {most} addresses": "最多保存 {most} 个地址",
    "at most {most} consents": "最多记录 {most} 次同意",
    "say that it cannot be undone": "请确认此操作无法撤销",
}
"""A reason as the code writes it -> the same clause."""
