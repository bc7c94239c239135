"""What the pages say on which a person lets an application in, or ends that."""

OAUTH: dict[str, tuple[str, str]] = {
    "return_text": ("You are going back to {name}.", "正在返回 {name}。"),
    "return_text_nameless": ("You are going back to the application.", "正在返回应用。"),
    "authorize_refused_title": (
        "This request cannot be answered",
        "无法处理此请求",
    ),
    "authorize_refused_text": (
        "An application sent you here with a request that is not in order. Nothing was allowed. "
        "Go back to the application and try again; if it happens again, tell its maker.",
        "某个应用将您带到此处，但其请求有误。未授予任何权限。"
        "请返回该应用重试；如果再次出现，请联系应用开发者。",
    ),
    "authorize_refused_details": ("For the application's maker", "供应用开发者参考"),
    "consent_title": ("Allow {name}?", "允许“{name}”访问？"),
    "consent_lead": (
        "It wants to act for you at {merchant}. You are signed in as {email}.",
        "该应用希望以您的身份在“{merchant}”中操作。您当前登录的账号是 {email}。",
    ),
    "consent_scopes": ("It will be able to", "该应用将可以"),
    "consent_grave": ("far-reaching", "影响较大"),
    "consent_destination": (
        "You will be sent to {destination}. You can end this at any time.",
        "随后将跳转至 {destination}。您可随时撤销授权。",
    ),
    "consent_on_this_device": (
        "This application runs on your own device ({destination}). Go on only if you have just "
        "started it yourself.",
        "此应用在您自己的设备上运行（{destination}）。仅当刚才是您本人启动它时才继续。",
    ),
    "consent_allow": ("Allow", "允许"),
    "consent_deny": ("Do not allow", "不允许"),
    "consent_back": ("Back to {name}", "返回 {name}"),
    "consent_other_account": ("Use another account", "使用其他账号"),
    "consent_signed_in": ("You are signed in as {email}.", "您当前登录的账号是 {email}。"),
    "consent_impossible_title": ("{name} cannot be used here", "无法使用“{name}”"),
    "consent_impossible_text": (
        "Your account {email} does not belong to a merchant that this application may act for, or "
        "your role allows nothing of what it asks.",
        "您的账号 {email} 不属于该应用可访问的商家，或您的角色不具备它所请求的任何权限。",
    ),
    "choose_merchant_title": ("Which merchant?", "选择商家"),
    "applications_title": ("Your applications", "您的应用"),
    "applications_lead": (
        "What you have let in with {email}. What you end here stops working at once.",
        "您以 {email} 授权的应用。在此撤销后立即失效。",
    ),
    "applications_none": ("You have let no application in.", "您尚未授权任何应用。"),
    "applications_since": ("{merchant}, since {at}", "{merchant}，自 {at} 起"),
    "applications_may": ("What it may do", "权限"),
    "applications_ours": ("signed in", "已登录"),
    "applications_end": ("End access", "撤销授权"),
    "applications_end_named": ("End access of {name}", "撤销“{name}”的授权"),
    "applications_ended": ("It has no access any more.", "已撤销授权。"),
    "scope.settings:read": ("See shops and their settings", "查看店铺及其设置"),
    "scope.settings:write": ("Change shops' settings", "修改店铺设置"),
    "scope.catalog:read": ("See products and stock", "查看商品与库存"),
    "scope.catalog:write": ("Change products and stock", "修改商品与库存"),
    "scope.campaigns:read": ("See campaigns", "查看预售活动"),
    "scope.campaigns:write": ("Create, publish and change campaigns", "创建、发布和修改预售活动"),
    "scope.orders:read": (
        "See orders with buyers' names and addresses",
        "查看订单，包括买家姓名与地址",
    ),
    "scope.orders:write": ("Change and cancel orders", "修改和取消订单"),
    "scope.orders:refund": ("Pay money back to buyers", "向买家退款"),
    "scope.customers:write": ("Erase what is known of a person", "删除个人资料"),
    "scope.analytics:read": ("See figures and reports", "查看数据与报表"),
    "scope.members:read": ("See the staff", "查看员工"),
    "scope.members:write": ("Invite staff and change roles", "邀请员工并修改角色"),
    "scope.clients:read": ("See connected applications", "查看已连接的应用"),
    "scope.clients:write": (
        "Connect applications and change their secrets",
        "连接应用并更换其密钥",
    ),
    "scope.webhooks:read": ("See webhooks", "查看 Webhook"),
    "scope.webhooks:write": ("Change where events are sent", "修改事件推送地址"),
    "scope.audit:read": ("See who changed what", "查看操作记录"),
}
