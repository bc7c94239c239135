"""Mails to people who sign in: invitations, codes, new passwords, what changed of their account.

A link or a code in them is a secret. It is made when the mail is sent and stored nowhere; what is
stored is whose it is.
"""

from typing import Protocol
from uuid import UUID, uuid5

from headless_presale.customers import CustomerCode, SignInCodeRequested, code_of, export_link
from headless_presale.identity import (
    Account,
    Invitation,
    PasswordResetRequested,
    Role,
    SecurityChanged,
    StaffInvited,
    StaffMember,
    invitation_token,
    issuer,
    reset_token,
)
from headless_presale.kernel import clock
from headless_presale.kernel.locales import negotiate
from headless_presale.notifications.formats import one_line
from headless_presale.notifications.models import AccountMailKind
from headless_presale.notifications.writing import write_message
from headless_presale.shops import mail_locale, shop_name

SENDER = "Headless Presale"


async def on_staff_invited(event: StaffInvited) -> None:
    """Invite somebody: whoever reads the mail may accept."""
    invitation = await Invitation.get(id=event.invitation_id).select_related("merchant")
    await write_message(
        AccountMailKind.INVITATION,
        invitation.id,
        recipient=invitation.email,
        locale=negotiate(invitation.locale),
        context={
            "shop_name": SENDER,
            "recipient_name": "",
            "inviter": one_line(invitation.invited_by),
            "merchant": one_line(invitation.merchant.name),
            "role": str(invitation.role),
            "expires_at": invitation.expires_at.isoformat(),
        },
    )


async def on_password_reset_requested(event: PasswordResetRequested) -> None:
    """Send the link that sets a new password."""
    account = await Account.get(id=event.account_id)
    await write_message(
        AccountMailKind.PASSWORD_RESET,
        event.reset_id,
        recipient=account.email,
        locale=negotiate(event.locale),
        context={"shop_name": SENDER, "recipient_name": one_line(account.name)},
    )


async def on_security_changed(event: SecurityChanged) -> None:
    """Tell what changed, so that what somebody else did does not go unnoticed."""
    account = await Account.get(id=event.account_id)
    await write_message(
        AccountMailKind.SECURITY_CHANGED,
        event.notice_id,
        recipient=account.email,
        locale=negotiate(account.locale),
        context={
            "shop_name": SENDER,
            "recipient_name": one_line(account.name),
            "change": str(event.change),
            "detail": one_line(event.detail),
            "at": clock.now().isoformat(),
        },
    )


async def on_sign_in_code_requested(event: SignInCodeRequested) -> None:
    """Send a code: whoever reads the mail may sign in to the shop."""
    code = await CustomerCode.get(id=event.code_id).select_related("shop")
    locale = mail_locale(code.shop, code.locale)
    await write_message(
        AccountMailKind.SIGN_IN_CODE,
        code.id,
        recipient=code.email,
        locale=locale,
        context={"shop_name": one_line(shop_name(code.shop, locale)), "recipient_name": ""},
    )


class EndpointDisabled(Protocol):
    """What is told of a webhook endpoint that was turned off; its event belongs to a sibling."""

    @property
    def endpoint_id(self) -> UUID: ...
    @property
    def merchant_id(self) -> UUID: ...
    @property
    def reason(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def version(self) -> int: ...


async def on_webhook_endpoint_disabled(event: EndpointDisabled) -> None:
    """Tell those who may turn it on again: owners and administrators."""
    members = await StaffMember.filter(
        merchant_id=event.merchant_id,
        role__in=(Role.OWNER, Role.ADMIN),
        deactivated_at=None,
        account__deactivated_at=None,
    ).select_related("account")
    for member in members:
        await write_message(
            AccountMailKind.WEBHOOK_DISABLED,
            # One mail for each time and person.
            uuid5(event.endpoint_id, f"{event.version}:{member.account_id}"),
            recipient=member.account.email,
            locale=negotiate(member.account.locale),
            context={
                "shop_name": SENDER,
                "recipient_name": one_line(member.account.name),
                "url": one_line(event.url),
                "reason": str(event.reason),
                "at": clock.now().isoformat(),
            },
        )


def account_secret(kind: AccountMailKind, subject_id: UUID) -> str:
    """Return where the button of a mail leads, or the code that it carries."""
    if kind is AccountMailKind.SIGN_IN_CODE:
        return code_of(subject_id)
    if kind is AccountMailKind.PERSONAL_DATA_READY:
        return export_link(subject_id)
    if kind is AccountMailKind.INVITATION:
        return f"{issuer()}/invitation?token={invitation_token(subject_id)}"
    if kind is AccountMailKind.PASSWORD_RESET:
        return f"{issuer()}/reset-password?token={reset_token(subject_id)}"
    if kind is AccountMailKind.WEBHOOK_DISABLED:
        return f"{issuer()}/admin/"
    return f"{issuer()}/account"
