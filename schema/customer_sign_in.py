"""Signing in at a provider outside: which ones a shop has, and how one comes back from there."""

from datetime import datetime

import strawberry

from headless_presale.customers import AuthorizationResponse, SignInProvider
from resolvers import customer_sign_in
from schema.customers import SessionPayload, session_parts
from schema.enums import ProviderKind
from schema.errors import UserError, user_errors
from schema.nodes import Info, global_id
from schema.permissions import customer_only


@strawberry.type(
    name="SignInProvider", description="Where customers of a shop may prove who they are."
)
class SignInProviderType:
    """What a storefront needs to know for a button."""

    row: strawberry.Private[SignInProvider]

    @strawberry.field(description="Opaque; `signInOidcStart` takes it.")
    def id(self) -> strawberry.ID:
        return global_id("SignInProvider", self.row.id)

    @strawberry.field(description="By which mutation one signs in there.")
    def kind(self) -> ProviderKind:
        return self.row.kind

    @strawberry.field(description="What the button says.")
    def name(self) -> str:
        return self.row.name


@strawberry.input(description="What `wx.login` gave the shop's mini-program.")
class SignInWeChatInput:
    shop: str = strawberry.field(description="The shop's slug.")
    code: str = strawberry.field(description="Good for five minutes, once.")


@strawberry.type
class SignInWeChatPayload(SessionPayload):
    pass


@strawberry.input(description="Where somebody wants to sign in.")
class SignInOidcStartInput:
    shop: str = strawberry.field(description="The shop's slug.")
    provider_id: strawberry.ID = strawberry.field(
        description="One of the shop's, of the kind OIDC."
    )
    redirect_uri: str = strawberry.field(
        description="Where to come back to: one of those that the provider lists, to the letter."
    )


@strawberry.type
class SignInOidcStartPayload:
    url: str | None = strawberry.field(description="Send the browser there.")
    state: str | None = strawberry.field(description="Comes back in the address, and counts once.")
    browser_key: str | None = strawberry.field(
        description="Keep it in this browser (`sessionStorage`), under `state`: nobody signs in "
        "without it."
    )
    expires_at: datetime | None = strawberry.field(
        description="Until when the browser has to be back."
    )
    user_errors: list[UserError]


@strawberry.input(description="What the provider sent back, and what the browser kept.")
class SignInOidcCompleteInput:
    shop: str = strawberry.field(description="The shop's slug.")
    provider_id: strawberry.ID = strawberry.field(
        description="As it was sent to `signInOidcStart`."
    )
    code: str = strawberry.field(description="From the address the browser came back to.")
    state: str = strawberry.field(description="From the address the browser came back to.")
    browser_key: str = strawberry.field(description="As `signInOidcStart` gave it.")
    redirect_uri: str = strawberry.field(description="As it was sent to `signInOidcStart`.")
    iss: str | None = strawberry.field(
        default=None, description="From the address the browser came back to, if it is there."
    )


@strawberry.type
class SignInOidcCompletePayload(SessionPayload):
    pass


@strawberry.input(description="An address, and the code that `signInCodeRequest` mailed there.")
class EmailProveInput:
    email: str = strawberry.field(description="The address that the code was mailed to.")
    code: str = strawberry.field(description="Six digits.")


@strawberry.type
class EmailProvePayload(SessionPayload):
    pass


@strawberry.type
class CustomerSignInMutation:
    """How customers come by way of somebody who knows them."""

    @strawberry.mutation(
        description="Sign in from the shop's WeChat mini-program. A new buyer gets an account "
        "without an e-mail address."
    )
    async def sign_in_we_chat(self, info: Info, input: SignInWeChatInput) -> SignInWeChatPayload:
        signed_in = await customer_sign_in.sign_in_by_wechat(
            info.context, shop=input.shop, code=input.code
        )
        return SignInWeChatPayload(**session_parts(signed_in))

    @strawberry.mutation(description="Begin a sign-in at an OpenID Connect provider of the shop's.")
    async def sign_in_oidc_start(
        self, info: Info, input: SignInOidcStartInput
    ) -> SignInOidcStartPayload:
        going = await customer_sign_in.start_oidc_sign_in(
            info.context,
            shop=input.shop,
            provider=input.provider_id,
            redirect_uri=input.redirect_uri,
        )
        found = going.value
        return SignInOidcStartPayload(
            url=None if found is None else found.url,
            state=None if found is None else found.state,
            browser_key=None if found is None else found.browser_key,
            expires_at=None if found is None else found.expires_at,
            user_errors=user_errors(going.refusals),
        )

    @strawberry.mutation(
        description="Sign in with what an OpenID Connect provider sent back: once, in the browser "
        "that began. An address that the provider calls verified leads to its account."
    )
    async def sign_in_oidc_complete(
        self, info: Info, input: SignInOidcCompleteInput
    ) -> SignInOidcCompletePayload:
        back = AuthorizationResponse(
            code=input.code,
            state=input.state,
            browser_key=input.browser_key,
            redirect_uri=input.redirect_uri,
            issuer=input.iss,
        )
        signed_in = await customer_sign_in.complete_oidc_sign_in(
            info.context, shop=input.shop, provider=input.provider_id, back=back
        )
        return SignInOidcCompletePayload(**session_parts(signed_in))

    @strawberry.mutation(
        description="Prove an e-mail address, as a customer who has none: the account becomes that "
        "of the address, with the orders of both. Go on with the tokens of the answer; every "
        "earlier sign-in ends.",
        extensions=customer_only(),
    )
    async def email_prove(self, info: Info, input: EmailProveInput) -> EmailProvePayload:
        signed_in = await customer_sign_in.prove_email(
            info.context, email=input.email, code=input.code
        )
        return EmailProvePayload(**session_parts(signed_in))
