"""Commands about who may do what: local tokens, staff, applications."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer

from headless_presale.cli.output import console, make_table, print_table
from headless_presale.cli.session import engines, within_runtime
from headless_presale.identity import (
    ALL_SCOPES,
    ClientKind,
    ClientNotFound,
    ClientWish,
    ClientWithSecret,
    MemberNotFound,
    OAuthClient,
    Role,
    Scope,
    StaffMember,
    UpdateMember,
    create_client,
    deactivate_member,
    disable_client,
    fold_email,
    issue_local_token,
    issuer,
    kind_of,
    reactivate_member,
    rotate_client_secret,
    scopes_of,
    update_member,
)
from headless_presale.shops import get_shop

staff = typer.Typer(help="The staff of a merchant.", no_args_is_help=True)
clients = typer.Typer(help="Applications that a merchant lets in.", no_args_is_help=True)

ShopOption = Annotated[str, typer.Option("--shop", help="Slug of one of the merchant's shops.")]
ThisShopOnlyOption = Annotated[
    bool, typer.Option("--this-shop-only", help="Limit it to the shop named.")
]
ScopeOption = Annotated[
    list[str], typer.Option("--scope", help="May be repeated, or several with spaces between.")
]


def token(shop: ShopOption, scope: ScopeOption) -> None:
    """Print an access token for scripts: for one shop, good for ten minutes."""
    wanted = _scopes(scope)

    async def work() -> str:
        found = await get_shop(shop)
        issued = await issue_local_token(found.merchant_id, found.id, wanted, issuer=issuer())
        return issued.token

    with engines() as settings:
        # Alone on its line, so that a script can take it: TOKEN=$(headless-presale token ...)
        print(within_runtime(work, settings))


def _scopes(texts: Sequence[str]) -> frozenset[Scope]:
    return scopes_of(name for text in texts for name in text.split())


@staff.command("list")
def list_staff(shop: ShopOption) -> None:
    """Show who belongs to the merchant of a shop."""

    async def work() -> list[StaffMember]:
        found = await get_shop(shop)
        members = StaffMember.filter(merchant_id=found.merchant_id)
        return await members.order_by("id").prefetch_related("account")

    with engines() as settings:
        members = within_runtime(work, settings)
    table = make_table("e-mail", "name", "role", "shops", "state", whole=1)
    for member in members:
        table.add_row(
            member.account.email,
            member.account.name,
            str(member.role),
            "all" if member.shop_ids is None else str(len(member.shop_ids)),
            "active" if member.deactivated_at is None else "deactivated",
        )
    print_table(table)


@staff.command("set-role")
def set_role(
    email: str, shop: ShopOption, role: Annotated[Role, typer.Option(case_sensitive=False)]
) -> None:
    """Give a member another role; it counts at once."""

    async def work() -> None:
        member = await member_of(email, shop)
        await update_member(
            UpdateMember(
                merchant_id=member.merchant_id,
                member_id=member.id,
                role=role,
                shop_ids=None if role is Role.OWNER else member.shop_ids,
                granted_by=ALL_SCOPES,
                version=member.version,
            )
        )

    with engines() as settings:
        within_runtime(work, settings)
    console.print(f"{email} is {role} now")


@staff.command("deactivate")
def deactivate(email: str, shop: ShopOption) -> None:
    """End a membership; its tokens end at once. The last owner stays."""
    _change(email, shop, is_active=False)


@staff.command("reactivate")
def reactivate(email: str, shop: ShopOption) -> None:
    """Let a member back in, in the role it had."""
    _change(email, shop, is_active=True)


def _change(email: str, shop: str, *, is_active: bool) -> None:
    async def work() -> None:
        member = await member_of(email, shop)
        change = reactivate_member if is_active else deactivate_member
        await change(member.merchant_id, member.id, granted_by=ALL_SCOPES, version=member.version)

    with engines() as settings:
        within_runtime(work, settings)
    console.print(f"{email} is {'active' if is_active else 'deactivated'}")


async def member_of(email: str, shop: str) -> StaffMember:
    """Return a member of the staff of a shop's merchant.

    Raises:
        MemberNotFound: there is none with this address.
    """
    found = await get_shop(shop)
    member = await StaffMember.filter(
        merchant_id=found.merchant_id, account__email=fold_email(email)
    ).first()
    if member is None:
        raise MemberNotFound()
    return member


@clients.command("list")
def list_clients(shop: ShopOption) -> None:
    """Show the applications of a shop's merchant."""

    async def work() -> list[OAuthClient]:
        found = await get_shop(shop)
        return await OAuthClient.filter(merchant_id=found.merchant_id).order_by("id")

    with engines() as settings:
        found = within_runtime(work, settings)
    table = make_table("client id", "name", "kind", "scopes", "state", whole=1)
    for client in found:
        table.add_row(
            str(client.id),
            client.name,
            str(kind_of(client)),
            " ".join(client.scopes),
            "on" if client.disabled_at is None else "off",
        )
    print_table(table)


@clients.command("create")
def create(
    name: str,
    shop: ShopOption,
    kind: Annotated[ClientKind, typer.Option(case_sensitive=False)],
    scope: ScopeOption,
    redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Where codes may be sent. May be repeated.")
    ] = None,
    this_shop_only: ThisShopOnlyOption = False,
) -> None:
    """Register an application; its secret is shown this once."""
    wanted = _scopes(scope)

    async def work() -> ClientWithSecret:
        found = await get_shop(shop)
        wish = ClientWish(
            name=name,
            redirect_uris=redirect_uri or [],
            scopes=wanted,
            shop_ids=[found.id] if this_shop_only else None,
        )
        return await create_client(found.merchant_id, kind, wish, granted_by=ALL_SCOPES)

    with engines() as settings:
        made = within_runtime(work, settings)
    _show(made)


@clients.command("rotate-secret")
def rotate_secret(
    client_id: UUID,
    shop: ShopOption,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="End the old secret now, not in a week.")
    ] = False,
) -> None:
    """Give an application a new secret."""

    async def work() -> ClientWithSecret:
        client = await _client(client_id, shop)
        assert client.merchant_id is not None
        return await rotate_client_secret(
            client.merchant_id,
            client.id,
            granted_by=ALL_SCOPES,
            version=client.version,
            keep_old=not at_once,
        )

    with engines() as settings:
        made = within_runtime(work, settings)
    _show(made)


@clients.command("disable")
def disable(client_id: UUID, shop: ShopOption) -> None:
    """Turn an application off; all of its tokens end at once."""

    async def work() -> None:
        client = await _client(client_id, shop)
        assert client.merchant_id is not None
        await disable_client(client.merchant_id, client.id, version=client.version)

    with engines() as settings:
        within_runtime(work, settings)
    console.print(f"{client_id} is off")


async def _client(client_id: UUID, shop: str) -> OAuthClient:
    found = await get_shop(shop)
    client = await OAuthClient.filter(id=client_id, merchant_id=found.merchant_id).first()
    if client is None:
        raise ClientNotFound()
    return client


def _show(made: ClientWithSecret) -> None:
    console.print(f"client_id      {made.client.id}")
    if made.secret is not None:
        console.print(f"client_secret  {made.secret}")
