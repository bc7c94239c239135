"""What the pages say that a mailed link leads to."""

LINKS: dict[str, tuple[str, str]] = {
    "export_gone": (
        "This link is no longer valid, or was not copied in full. Sign in at the shop to ask for "
        "your data again.",
        "链接已失效或不完整。请在店铺登录后重新申请导出个人数据。",
    ),
    "reset_title": ("Forgot your password?", "忘记密码？"),
    "reset_lead": (
        "We mail you a link that lets you choose a new one.",
        "我们会向您发送一封邮件，您可以通过其中的链接设置新密码。",
    ),
    "reset_send": ("Send the link", "发送链接"),
    "reset_requested_title": ("Look at your mail", "请查收邮件"),
    "reset_requested": (
        "If there is an account with this address, a mail with a link is on its way. The link is "
        "good for 30 minutes.",
        "如果该邮箱对应的账号存在，包含链接的邮件正在发送中。链接 30 分钟内有效。",
    ),
    "reset_requested_hint": (
        "Nothing there after a few minutes? Look into the spam folder, or ask again.",
        "几分钟后仍未收到？请检查垃圾邮件文件夹，或重新申请。",
    ),
    "reset_again": ("Ask for a new link", "重新获取链接"),
    "choose_password": ("Choose a new password", "设置新密码"),
    "choose_password_lead": (
        "For {email}. You are signed out everywhere once it is saved.",
        "账号：{email}。保存后，所有设备都将退出登录。",
    ),
    "new_password": ("New password", "新密码"),
    "repeat_password": ("Once more", "再次输入"),
    "password_rule": (
        "At least 10 characters. A few words in a row are easy to remember and hard to guess.",
        "至少 10 个字符。几个不相关的词连在一起，易记又难猜。",
    ),
    "save_password": ("Save the password", "保存密码"),
    "repeat_differs": ("The two passwords differ.", "两次输入的密码不一致。"),
    "password_too_short": ("Use at least 10 characters.", "请至少使用 10 个字符。"),
    "password_too_long": ("Use at most 128 characters.", "最多使用 128 个字符。"),
    "password_common": (
        "This password is widely used and guessed first. Choose another one.",
        "此密码过于常见，容易被猜到。请换一个。",
    ),
    "password_own_address": (
        "Your own address is guessed first. Choose something else.",
        "密码不能与邮箱地址相同。请换一个。",
    ),
    "password_reset": (
        "Your new password is saved. Sign in with it.",
        "新密码已保存，请使用新密码登录。",
    ),
    "link_dead_title": ("This link no longer works", "链接已失效"),
    "reset_unknown": (
        "The link is not complete. Copy all of it from the mail.",
        "链接不完整，请从邮件中完整复制。",
    ),
    "reset_expired": (
        "The link was good for 30 minutes. Ask for a new one.",
        "链接有效期为 30 分钟，现已过期。请重新获取。",
    ),
    "reset_used": (
        "The link was used already, or a newer one was. Ask for a new one if that was not you.",
        "链接已使用过，或已有更新的链接被使用。如非您本人操作，请重新获取。",
    ),
    "reset_revoked": ("The link was withdrawn. Ask for a new one.", "链接已被撤回，请重新获取。"),
    "invitation_unknown": (
        "The link is not complete. Copy all of it from the mail.",
        "链接不完整，请从邮件中完整复制。",
    ),
    "invitation_expired": (
        "The invitation has expired. Ask whoever invited you for a new one.",
        "邀请已过期，请联系邀请人重新发送。",
    ),
    "invitation_used": (
        "The invitation was accepted already. Sign in to go on.",
        "邀请已被接受，请直接登录。",
    ),
    "invitation_revoked": (
        "The invitation was withdrawn, or replaced by a newer one.",
        "邀请已被撤回，或已被新的邀请取代。",
    ),
    "invitation_title": ("Join {merchant}", "加入 {merchant}"),
    "invitation_lead": (
        "{inviter} invites you to the staff of {merchant}.",
        "{inviter} 邀请您成为 {merchant} 的员工。",
    ),
    "role": ("Role", "角色"),
    "for_address": ("For", "受邀邮箱"),
    "shops": ("Shops", "店铺"),
    "all_shops": ("all", "全部"),
    "some_shops": ("{count} of them", "其中 {count} 家"),
    "open_until": ("Open until", "有效期至"),
    "role_OWNER": ("Owner", "所有者"),
    "role_ADMIN": ("Administrator", "管理员"),
    "role_MANAGER": ("Manager", "运营"),
    "role_SUPPORT": ("Support", "客服"),
    "role_ANALYST": ("Analyst", "分析"),
    "role_OWNER_may": (
        "Owners may do everything, and say who belongs to the staff.",
        "所有者拥有全部权限，并可管理员工。",
    ),
    "role_ADMIN_may": (
        "Administrators may do everything but change the staff.",
        "管理员拥有除员工管理以外的全部权限。",
    ),
    "role_MANAGER_may": (
        "Managers run catalogue, campaigns and orders.",
        "运营可管理商品、预售活动和订单。",
    ),
    "role_SUPPORT_may": (
        "Support helps buyers with their orders and may refund.",
        "客服可处理订单并办理退款。",
    ),
    "role_ANALYST_may": (
        "Analysts look at campaigns, orders and figures and change nothing.",
        "分析可查看活动、订单和数据，不能修改。",
    ),
    "join": ("Accept the invitation", "接受邀请"),
    "invitation_other": (
        "You are signed in as {email}. The invitation is for another address.",
        "您当前登录的账号是 {email}，而邀请发给了另一个邮箱。",
    ),
    "invitation_known": (
        "Sign in with this address to accept the invitation.",
        "请使用受邀邮箱登录后接受邀请。",
    ),
    "sign_in_to_join": ("Sign in to accept", "登录并接受邀请"),
    "your_name": ("Your name", "您的姓名"),
    "name_missing": ("Say how people call you.", "请填写您的姓名。"),
    "make_account_and_join": ("Create account and join", "创建账号并加入"),
}
