"""A customer of a shop, and how he signs in."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from headless_presale.customers import SignedIn, UpdateProfile
from resolvers import carts, customers, notify_me, own_orders, privacy
from resolvers.customers import CodeWish
from resolvers.errors import Answer
from schema.carts import CartType
from schema.described import REFUSALS
from schema.enums import OrderStatus
from schema.errors import UserError, user_errors
from schema.nodes import (
    After,
    Before,
    Connection,
    First,
    Info,
    Last,
    connect,
    global_id,
    page_request,
)
from schema.notify_me import AwaitedCampaignType
from schema.orders import OrderType
from schema.permissions import customer_only
from schema.personal import PersonalFields
from schema.privacy import PersonalDataExportType, wrap_export


@strawberry.type(name="Customer", description="A buyer of one shop who has proven who he is.")
class CustomerType(PersonalFields):
    """Seen by nobody but himself."""

    @strawberry.field(description="Opaque; the same for every sign-in in this shop.")
    def id(self) -> strawberry.ID:
        return global_id("Customer", self.customer.id)

    @strawberry.field(
        description="Proven by a code that was mailed there, or by a provider that calls it "
        "verified. Null for a customer whose provider gave no such address."
    )
    def email(self) -> str | None:
        return self.customer.email

    @strawberry.field(description="Empty if unknown.")
    def name(self) -> str:
        return self.customer.name

    @strawberry.field(description="Empty if unknown.")
    def phone(self) -> str:
        return self.customer.phone

    @strawberry.field(description="The version of the profile, which `profileUpdate` takes back.")
    def version(self) -> int:
        return self.customer.version

    @strawberry.field(description="The language of his mails, such as zh-CN.")
    def locale(self) -> str:
        return self.customer.locale

    @strawberry.field(description="What he means to buy; null while he has no cart.")
    async def cart(self, info: Info) -> CartType | None:
        cart = await carts.find_cart_of(info.context, self.customer.id)
        return None if cart is None else CartType(cart=cart)

    @strawberry.field(
        description="Campaigns that open later and that he asked to be told of, the next first; "
        "at most 100. Empty for whoever unsubscribed, and without an address."
    )
    async def awaited_campaigns(self, info: Info) -> list[AwaitedCampaignType]:
        waiting = await notify_me.list_of(info.context, self.customer)
        return [AwaitedCampaignType(awaiting=each) for each in waiting]

    @strawberry.field(
        description="The copy of his data that he asked for last; null if there is none, or if it "
        "has expired."
    )
    async def personal_data_export(self, info: Info) -> PersonalDataExportType | None:
        return wrap_export(await privacy.find_export(info.context, self.customer))

    @strawberry.field(description="When he signed in for the first time.")
    def created_at(self) -> datetime:
        return self.customer.created_at

    @strawberry.field(
        description="All orders of his address in this shop, the latest first; those he placed "
        "without signing in are among them."
    )
    async def orders(
        self,
        info: Info,
        statuses: Annotated[
            list[OrderStatus] | None,
            strawberry.argument(description="Any of these; an empty list means any at all."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[OrderType]:
        request = page_request(first, after, last, before)
        page = await own_orders.page_of_own_orders(info.context, self.customer, statuses, request)
        return connect(page, lambda order: OrderType(order=order))


@strawberry.input(description="Who wants to sign in.")
class SignInCodeRequestInput:
    shop: str = strawberry.field(description="The shop's slug.")
    email: str = strawberry.field(description="Where the code is mailed.")
    locale: str | None = strawberry.field(
        default=None, description="Language of the mail; else Accept-Language."
    )


@strawberry.input(
    description="The code in the mail, and the shop and address it was requested with."
)
class SignInCodeRedeemInput:
    shop: str = strawberry.field(description="The shop's slug.")
    email: str = strawberry.field(description="As it was asked for with.")
    code: str = strawberry.field(description="Six digits.")


@strawberry.input(description="What `signInCodeRedeem` or `sessionRefresh` gave last.")
class SessionRefreshInput:
    refresh_token: str = strawberry.field(description="The last one of the sign-in, once.")


@strawberry.input(description="Which sign-ins to end.")
class SignOutInput:
    everywhere: bool = strawberry.field(
        default=False, description="In every browser, not only in this one."
    )
    refresh_token: str | None = strawberry.field(
        default=None,
        description="Of the sign-in to end. No access token is needed then, since it may have "
        "expired: send no `Authorization` with it.",
    )


@strawberry.input(description="What to change of one's profile; what is left out or null stays.")
class ProfileUpdateInput:
    version: int = strawberry.field(description="`Customer.version` as you read it.")
    name: str | None = strawberry.field(
        default=None, description="At most 120 characters; an empty text takes it away."
    )
    phone: str | None = strawberry.field(
        default=None, description="At most 40 characters; an empty text takes it away."
    )
    locale: str | None = strawberry.field(
        default=None, description="The language of mails: a tag such as `zh-CN`."
    )


@strawberry.type
class SignInCodeRequestPayload:
    expires_at: datetime | None = strawberry.field(description="When the code ends.")
    user_errors: list[UserError]


@strawberry.interface(
    name="Session",
    description="What every way to sign in answers: one fragment on it serves them all.",
)
class SessionPayload:
    """All null where `userErrors` says why not."""

    access_token: str | None = strawberry.field(
        description="For the header `Authorization: Bearer ...`. Keep it in memory."
    )
    expires_at: datetime | None = strawberry.field(
        description="When the access token ends: refresh before."
    )
    refresh_token: str | None = strawberry.field(
        description="Good for one `sessionRefresh`, within two weeks. Keep it secret."
    )
    customer: CustomerType | None = strawberry.field(
        description="Who is signed in. Null where `userErrors` says why not."
    )
    user_errors: list[UserError] = strawberry.field(description=REFUSALS)


@strawberry.type
class SignInCodeRedeemPayload(SessionPayload):
    pass


@strawberry.type
class SessionRefreshPayload(SessionPayload):
    pass


@strawberry.type
class SignOutPayload:
    ended: int | None = strawberry.field(description="How many sign-ins have ended.")
    user_errors: list[UserError]


@strawberry.type
class ProfileUpdatePayload:
    customer: CustomerType | None
    user_errors: list[UserError]


def session_parts(signed_in: Answer[SignedIn]) -> dict[str, Any]:
    """Return what a sign-in answers with, or why there is none."""
    session, errors = signed_in.value, user_errors(signed_in.refusals)
    if session is None:
        empty = dict.fromkeys(("access_token", "expires_at", "refresh_token", "customer"))
        return {**empty, "user_errors": errors}
    return {
        "access_token": session.access.token,
        "expires_at": session.access.expires_at,
        "refresh_token": session.refresh_token,
        "customer": CustomerType(customer=session.customer),
        "user_errors": errors,
    }


@strawberry.type
class CustomerMutation:
    """How customers come and go."""

    @strawberry.mutation(
        description="Mail a code to sign in with: six digits, ten minutes, five tries. Codes "
        "mailed before end. The answer is the same whether the address has an account or not."
    )
    async def sign_in_code_request(
        self, info: Info, input: SignInCodeRequestInput
    ) -> SignInCodeRequestPayload:
        wish = CodeWish(shop=input.shop, email=input.email, locale=input.locale)
        asked = await customers.request_code(info.context, wish)
        return SignInCodeRequestPayload(
            expires_at=asked.value, user_errors=user_errors(asked.refusals)
        )

    @strawberry.mutation(
        description="Sign in with a code, once. A buyer without an account in this shop gets one."
    )
    async def sign_in_code_redeem(
        self, info: Info, input: SignInCodeRedeemInput
    ) -> SignInCodeRedeemPayload:
        signed_in = await customers.redeem_code(
            info.context, shop=input.shop, email=input.email, code=input.code
        )
        return SignInCodeRedeemPayload(**session_parts(signed_in))

    @strawberry.mutation(
        description="Exchange a refresh token for new tokens. A token that comes a second time, "
        "later than 30 seconds, ends the whole sign-in."
    )
    async def session_refresh(
        self, info: Info, input: SessionRefreshInput
    ) -> SessionRefreshPayload:
        refreshed = await customers.refresh(info.context, input.refresh_token)
        return SessionRefreshPayload(**session_parts(refreshed))

    @strawberry.mutation(
        description="Sign out: the tokens of this sign-in, or of all, end at once. Needs the "
        "access token of a customer, or the sign-in's `refreshToken`."
    )
    async def sign_out(self, info: Info, input: SignOutInput) -> SignOutPayload:
        ended = await customers.sign_out(
            info.context, is_everywhere=input.everywhere, refresh_token=input.refresh_token
        )
        return SignOutPayload(ended=ended.value, user_errors=user_errors(ended.refusals))

    @strawberry.mutation(
        description="Change one's own profile. An address is changed by proving the new one.",
        extensions=customer_only(),
    )
    async def profile_update(self, info: Info, input: ProfileUpdateInput) -> ProfileUpdatePayload:
        command = UpdateProfile(
            version=input.version, name=input.name, phone=input.phone, locale=input.locale
        )
        changed = await customers.update_profile(info.context, command)
        customer = changed.value
        return ProfileUpdatePayload(
            customer=None if customer is None else CustomerType(customer=customer),
            user_errors=user_errors(changed.refusals),
        )
