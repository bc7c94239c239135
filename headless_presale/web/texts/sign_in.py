"""What the pages to sign in and out say."""

SIGN_IN: dict[str, tuple[str, str]] = {
    "sign_in": ("Sign in", "登录"),
    "sign_in_lead": (
        "For merchants and their staff.",
        "供商家及其员工使用。",
    ),
    "sign_in_again": (
        "Please confirm that it is you.",
        "请再次登录以确认是您本人操作。",
    ),
    "sign_in_wrong": (
        "The e-mail address or the password is wrong.",
        "邮箱地址或密码不正确。",
    ),
    "wait_second": (
        "Too many attempts. Please wait a second and try again.",
        "尝试次数过多，请等待 1 秒后再试。",
    ),
    "wait_seconds": (
        "Too many attempts. Please wait {count} seconds and try again.",
        "尝试次数过多，请等待 {count} 秒后再试。",
    ),
    "wait_minutes": (
        "Too many attempts. Please wait {count} minutes and try again.",
        "尝试次数过多，请等待 {count} 分钟后再试。",
    ),
    "email": ("E-mail address", "邮箱地址"),
    "password": ("Password", "密码"),
    "or": ("or", "或"),
    "continue_with": ("Continue with {provider}", "使用 {provider} 登录"),
    "forgot_password": ("Forgot your password?", "忘记密码？"),
    "confirm": ("Confirm", "确认"),
    "second_factor": ("One more step", "还差一步"),
    "second_factor_lead": (
        "Show that you are {email}.",
        "请确认您是 {email} 本人。",
    ),
    "totp_code": ("Code from your authenticator app", "身份验证器中的验证码"),
    "totp_code_hint": ("Six digits, new every 30 seconds.", "六位数字，每 30 秒更新一次。"),
    "totp_refused": (
        "This code is wrong or was used already. Wait for the next one and try again.",
        "验证码不正确或已使用过。请等待下一个验证码后再试。",
    ),
    "use_passkey": ("Use a passkey", "使用通行密钥"),
    "passkey_failed": (
        "The passkey was not used. Try again or choose another way.",
        "未能使用通行密钥。请重试或选择其他方式。",
    ),
    "passkey_refused": (
        "This passkey was not accepted. Try again or choose another way.",
        "此通行密钥未被接受。请重试或选择其他方式。",
    ),
    "passkey_needs_script": ("Passkeys need JavaScript.", "通行密钥需要启用 JavaScript。"),
    "use_recovery_code": ("Use a recovery code", "使用恢复码"),
    "recovery_code": ("Recovery code", "恢复码"),
    "recovery_code_hint": (
        "One of the ten codes that you wrote down. Each works once.",
        "您此前保存的十个恢复码之一，每个只能使用一次。",
    ),
    "recovery_refused": (
        "This recovery code is wrong or was used already.",
        "恢复码不正确或已使用过。",
    ),
    "other_account": ("Sign in as somebody else", "使用其他账号登录"),
    "sign_out": ("Sign out", "退出登录"),
    "sign_out_question": ("Sign out of this browser?", "要退出登录吗？"),
    "signed_in_as": ("You are signed in as {email}.", "当前登录账号：{email}"),
    "signed_out": ("You are signed out", "您已退出登录"),
    "signed_out_lead": (
        "Applications that you let in keep their access until you end it.",
        "您授权的应用仍保留访问权限，直到您撤销为止。",
    ),
    "provider_away": (
        "The sign-in provider does not answer right now. Please try again in a moment.",
        "身份提供方暂时没有响应，请稍后重试。",
    ),
    "provider_expired": (
        "The sign-in took too long, or its answer was not for this browser. Please start again.",
        "登录超时，或返回结果不属于此浏览器。请重新登录。",
    ),
    "provider_refused": (
        "The provider did not sign you in. Try again, or ask whoever runs it.",
        "身份提供方未完成登录。请重试，或联系其管理员。",
    ),
    "provider_wait": (
        "Too many attempts. Please wait a little and try again.",
        "尝试次数过多，请稍后再试。",
    ),
    "provider_unverified": (
        "The provider does not vouch for your e-mail address, so we cannot tell which account is "
        "yours. Have the address verified there first.",
        "身份提供方未确认您的邮箱地址，无法判断哪个账号属于您。请先在该处验证邮箱。",
    ),
    "provider_unknown": (
        "Nobody with your e-mail address belongs to the staff of a merchant here. Ask for an "
        "invitation.",
        "此处没有使用您邮箱地址的员工账号。请联系商家发送邀请。",
    ),
    "provider_deactivated": ("This account is switched off.", "此账号已停用。"),
    "provider_taken": (
        "The account with this address is linked to somebody else at the provider. Ask whoever "
        "runs this shop.",
        "使用该邮箱的账号已关联到身份提供方的其他用户。请联系店铺管理员。",
    ),
    "provider_not_fresh": (
        "The provider did not confirm that you were there just now. Sign in with your password "
        "instead.",
        "身份提供方未确认您刚刚完成登录。请改用密码登录。",
    ),
}
