"""What the pages say that mails of a notify-me list lead to."""

NOTIFY_ME: dict[str, tuple[str, str]] = {
    "notify_gone": (
        "This link is no longer valid, or was not copied in full. Nothing has changed.",
        "链接已失效或不完整，未做任何更改。",
    ),
    "notify_confirm_title": ("Tell you when it opens", "开售提醒"),
    "notify_confirm_lead": (
        "Do you want a mail when {campaign} opens at {shop}?",
        "{shop} 的 {campaign} 开售时，是否发邮件提醒您？",
    ),
    "notify_confirm_button": ("Yes, tell me", "确认提醒我"),
    "notify_confirmed": (
        "Done. We will mail you when {campaign} opens at {shop}.",
        "已确认。{shop} 的 {campaign} 开售时，我们会发邮件提醒您。",
    ),
    "notify_opens": ("It opens {time}.", "开售时间：{time}。"),
    "notify_open_now": (
        "{campaign} is already open at {shop}.",
        "{shop} 的 {campaign} 已经开售。",
    ),
    "notify_over": ("{campaign} at {shop} is over.", "{shop} 的 {campaign} 已结束。"),
    "notify_unsubscribe_title": ("Mails about openings", "开售提醒邮件"),
    "notify_unsubscribe_lead": (
        "Stop mails about openings of this shop? You will still get mails about your orders.",
        "不再接收该店铺的开售提醒？与订单有关的邮件仍会发送。",
    ),
    "notify_unsubscribe_button": ("Unsubscribe", "退订"),
    "notify_unsubscribed": (
        "You are unsubscribed. This shop will not mail you about openings any more.",
        "您已退订，该店铺不会再向您发送开售提醒。",
    ),
    "notify_again_lead": ("Was that a mistake?", "误操作了？"),
    "notify_again_button": ("Send them again", "恢复接收"),
    "notify_again_done": (
        "You will get mails again about the openings you ask for.",
        "已恢复，您将重新收到所订阅的开售提醒。",
    ),
}
