"""What every page says."""

SHARED: dict[str, tuple[str, str]] = {
    "product": ("Headless Presale", "Headless Presale"),
    "language": ("Language", "语言"),
    "skip": ("Skip to content", "跳到正文"),
    "continue_title": ("One moment", "请稍候"),
    "continue_text": ("You are signed in.", "您已登录。"),
    "continue_button": ("Continue", "继续"),
    "refused_title": ("This did not work", "操作未完成"),
    "form_expired": (
        "This form is too old or was not sent from our own page. Open the page again and repeat "
        "what you did.",
        "表单已过期，或不是从本站页面提交的。请重新打开页面后再试。",
    ),
    "not_found": ("There is nothing at this address.", "此地址没有内容。"),
    "unavailable": (
        "We cannot answer right now. Nothing was changed. Please try again in a moment.",
        "暂时无法处理您的请求，未做任何更改。请稍后重试。",
    ),
    "bad_form": ("This form could not be read.", "无法读取此表单。"),
    "to_sign_in": ("Go to sign-in", "前往登录"),
    "back": ("Back", "返回"),
}
