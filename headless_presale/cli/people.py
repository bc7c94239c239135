"""Commands that help people sign in: invitations, links for a new password, lost second factors."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from headless_presale.cli.access import ShopOption, ThisShopOnlyOption, member_of, staff
from headless_presale.cli.output import console
from headless_presale.cli.session import engines, within_runtime
from headless_presale.identity import InviteStaff, Role, invitation_token, invite_staff, issuer
from headless_presale.identity.external import unlink
from headless_presale.identity.resets import reset_token, write_reset
from headless_presale.identity.sign_in import reset_second_factors
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.shops import get_shop

__all__ = ["staff"]

Changed = TypeVar("Changed")


@staff.command("invite")
def invite(
    email: str,
    shop: ShopOption,
    role: Annotated[Role, typer.Option(case_sensitive=False)],
    this_shop_only: ThisShopOnlyOption = False,
    invited_by: Annotated[
        str, typer.Option("--from", help="Who invites; the mail says it.")
    ] = "The operator",
    locale: Annotated[str, typer.Option(help="Language of the mail.")] = SUPPORTED_LOCALES[0],
) -> None:
    """Invite somebody by mail, and print the link in case no mail arrives."""

    async def work() -> str:
        found = await get_shop(shop)
        invitation = await invite_staff(
            InviteStaff(
                merchant_id=found.merchant_id,
                email=email,
                role=role,
                shop_ids=[found.id] if this_shop_only else None,
                invited_by=invited_by,
                locale=locale,
            )
        )
        return f"{issuer()}/invitation?token={invitation_token(invitation.id)}"

    with engines() as settings:
        link = within_runtime(work, settings)
    console.print(f"{email} is invited as {role}; the worker sends the mail. The link, for 7 days:")
    print(link)


@staff.command("reset-link")
def reset_link(email: str, shop: ShopOption) -> None:
    """Print a link that sets a member's password anew; it works once, for 30 minutes."""

    async def link(account_id: UUID) -> str:
        return f"{issuer()}/reset-password?token={reset_token(await write_reset(account_id))}"

    print(_for_member(email, shop, "staff.resetLink", link))


@staff.command("reset-second-factor")
def reset_second_factor(email: str, shop: ShopOption) -> None:
    """Remove a member's authenticator app, passkeys and recovery codes; signed out everywhere.

    For somebody who has lost all of them. Make sure that it is that person who asks.
    """
    _for_member(email, shop, "staff.resetSecondFactor", reset_second_factors)
    console.print(f"{email} signs in with the password alone now, and was told so by mail")


@staff.command("unlink")
def unlink_provider(email: str, shop: ShopOption) -> None:
    """Forget who a member is at the sign-in provider; the verified address links anew.

    For a provider that has given somebody another subject. Make sure that it is the same person.
    """
    removed = _for_member(email, shop, "staff.unlink", unlink)
    console.print(f"{email}: {removed} links removed")


def _for_member(
    email: str, shop: str, action: str, change: Callable[[UUID], Awaitable[Changed]]
) -> Changed:
    """Change something about a member's account, recorded in the merchant's log; return what."""

    @shielded
    async def work() -> Changed:
        async with unit_of_work() as unit:
            member = await member_of(email, shop)
            changed = await change(member.account_id)
            await record_change(
                unit,
                action=action,
                owner_id=member.merchant_id,
                subject_type="StaffMember",
                subject_id=member.id,
                subject_label=email,
            )
        return changed

    with engines() as settings:
        return within_runtime(work, settings)
