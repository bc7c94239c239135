"""Signing in at a provider outside: which ones a shop has, and how one comes back from there."""

import strawberry

from headless_presale.customers import SignInProvider
from resolvers import customer_sign_in
from schema.customers import SessionPayload, session_parts
from schema.enums import ProviderKind
from schema.nodes import Info, global_id


@strawberry.type(
    name="SignInProvider", description="Where customers of a shop may prove who they are."
)
class SignInProviderType:
    """What a storefront needs to know for a button."""

    row: strawberry.Private[SignInProvider]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("SignInProvider", self.row.id)

    @strawberry.field
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


@strawberry.type
class CustomerSignInMutation:
    """How customers come by way of somebody who knows them."""

    @strawberry.mutation(
        description="Sign in from the shop's WeChat mini-program. Who was never here has an "
        "account then, without an address."
    )
    async def sign_in_we_chat(self, info: Info, input: SignInWeChatInput) -> SignInWeChatPayload:
        signed_in = await customer_sign_in.sign_in_by_wechat(
            info.context, shop=input.shop, code=input.code
        )
        return SignInWeChatPayload(**session_parts(signed_in))
