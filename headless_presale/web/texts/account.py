"""What the pages of one's own account say."""

ACCOUNT: dict[str, tuple[str, str]] = {
    "account_title": ("Your account", "我的账号"),
    "to_admin": ("Go to the admin", "前往商家后台"),
    "fresh_needed": (
        "To change how you sign in, confirm first that it is you.",
        "更改登录方式前，请先确认是您本人操作。",
    ),
    "confirm_you": ("Confirm that it is you", "确认身份"),
    "two_steps": ("Second step at sign-in", "两步验证"),
    "two_steps_lead": (
        "Beside the password something that only you have: a stolen password is not enough then.",
        "除密码外，再验证一项只有您拥有的东西，密码泄露时账号仍然安全。",
    ),
    "two_steps_are_on": (
        "The second step is on. You are asked for it at the next sign-in.",
        "两步验证已开启，下次登录时需要验证。",
    ),
    "on": ("on", "已开启"),
    "off": ("off", "未开启"),
    "authenticator": ("Authenticator app", "身份验证器"),
    "authenticator_on": ("Asks for a six-digit code.", "登录时需输入六位验证码。"),
    "authenticator_off": (
        "Six-digit codes from an app on your phone.",
        "使用手机应用生成的六位验证码。",
    ),
    "set_up": ("Set up", "设置"),
    "add": ("Add", "添加"),
    "remove": ("Remove", "移除"),
    "remove_named": ("Remove {name}", "移除 {name}"),
    "passkey": ("Passkey", "通行密钥"),
    "passkey_lead": (
        "Fingerprint, face or a security key. Cannot be phished.",
        "指纹、面容或安全密钥，可防钓鱼。",
    ),
    "passkey_needs_name": (
        "Needs this site to be reached by a name, such as localhost, not by an IP address.",
        "需要通过域名（如 localhost）而非 IP 地址访问本站。",
    ),
    "passkey_since": ("Added {at}.", "添加于 {at}。"),
    "passkey_used": ("Last used {at}.", "上次使用：{at}。"),
    "recovery_codes": ("Recovery codes", "恢复码"),
    "recovery_left": ("{count} of 10 left.", "剩余 {count} 个，共 10 个。"),
    "make_new_codes": ("Make new ones", "重新生成"),
    "recovery_codes_lead": (
        "Write these down or save them in your password manager, away from your phone. Each "
        "replaces the second step once. They are shown only now.",
        "请将恢复码抄写下来或保存到密码管理器，不要只放在手机里。每个恢复码可代替第二步验证一次，"
        "且仅在此时显示。",
    ),
    "codes_kept": ("I have kept them", "我已保存"),
    "password_since": ("Last changed {at}.", "上次修改：{at}。"),
    "password_none": ("You have no password yet.", "您尚未设置密码。"),
    "change_password": ("Change the password", "修改密码"),
    "old_password": ("Present password", "当前密码"),
    "old_password_wrong": ("This is not your present password.", "当前密码不正确。"),
    "managed_elsewhere": (
        "You sign in at your organisation's provider; passwords and second factors are kept there.",
        "您通过所在组织的身份提供方登录，密码和两步验证均由其管理。",
    ),
    "sessions": ("Where you are signed in", "已登录的设备"),
    "some_browser": ("A browser", "浏览器"),
    "this_browser": ("this one", "当前设备"),
    "session_since": ("Since {at}.", "登录于 {at}。"),
    "end_others": ("Sign out everywhere else", "退出其他所有设备"),
    "end_others_hint": (
        "Also ends the access of every application that you let in.",
        "同时撤销您授权的所有应用的访问权限。",
    ),
    "authenticator_set_up": ("Set up an authenticator app", "设置身份验证器"),
    "authenticator_scan": (
        "Scan this picture with an authenticator app, then type in the code that it shows.",
        "使用身份验证器应用扫描二维码，然后输入应用显示的验证码。",
    ),
    "authenticator_picture": ("QR code for the authenticator app", "身份验证器二维码"),
    "authenticator_by_hand": ("Cannot scan?", "无法扫描？"),
    "authenticator_key_hint": ("Type this key into the app:", "请在应用中手动输入密钥："),
    "authenticator_open": ("Open an app on this device", "在本设备上打开验证器应用"),
    "authenticator_first_code": ("Code that the app shows", "应用显示的验证码"),
    "totp_first_refused": (
        "This code is wrong. Wait for the next one; check that your phone's clock is right.",
        "验证码不正确。请等待下一个验证码，并检查手机时间是否准确。",
    ),
    "turn_on": ("Turn on", "开启"),
    "passkey_add": ("Add a passkey", "添加通行密钥"),
    "passkey_add_lead": (
        "Your browser asks for your fingerprint, your face or a security key.",
        "浏览器会要求您验证指纹、面容或安全密钥。",
    ),
    "passkey_name": ("Name", "名称"),
    "passkey_name_hint": (
        "So that you know it again: “Office laptop”.",
        "便于日后辨认，例如“办公室电脑”。",
    ),
    "passkey_not_added": (
        "The passkey was not added. Try again.",
        "未能添加通行密钥，请重试。",
    ),
    "done_joined": ("Welcome! You belong to the staff now.", "欢迎加入！您已成为员工。"),
    "done_password_changed": (
        "Your password is changed. Other browsers are signed out.",
        "密码已修改，其他设备已退出登录。",
    ),
    "done_totp_added": ("The authenticator app is set up.", "身份验证器已设置。"),
    "done_totp_removed": ("The authenticator app is removed.", "身份验证器已移除。"),
    "done_passkey_added": ("The passkey is added.", "通行密钥已添加。"),
    "done_passkey_removed": ("The passkey is removed.", "通行密钥已移除。"),
    "done_session_ended": ("That browser is signed out.", "该设备已退出登录。"),
    "done_sessions_ended": (
        "You are signed out everywhere else.",
        "其他所有设备已退出登录。",
    ),
}
