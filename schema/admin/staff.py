"""The staff of a merchant."""

from datetime import datetime
from uuid import UUID

import strawberry

from headless_presale.identity import ROLE_SCOPES, Invitation, Role, Scope, StaffMember
from resolvers.admin import staff
from schema.errors import UserError, user_errors
from schema.nodes import Info, global_id
from schema.permissions import requires

strawberry.enum(Role, description="A named set of scopes; see `Merchant.roles`.")


def shop_ids_of(shop_ids: list[UUID] | None) -> list[strawberry.ID] | None:
    """Return the shops that somebody is limited to; None means all."""
    return None if shop_ids is None else [global_id("Shop", shop_id) for shop_id in shop_ids]


@strawberry.type(name="RoleInfo", description="What a role may do.")
class RoleType:
    role: Role

    @strawberry.field
    def scopes(self) -> list[str]:
        return [str(scope) for scope in Scope if scope in ROLE_SCOPES[self.role]]


@strawberry.type(name="StaffMember", description="An account's role with the merchant.")
class StaffMemberType:
    row: strawberry.Private[StaffMember]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("StaffMember", self.row.id)

    @strawberry.field
    async def email(self) -> str:
        return (await staff.account_of(self.row)).email

    @strawberry.field
    async def name(self) -> str:
        return (await staff.account_of(self.row)).name

    @strawberry.field
    def role(self) -> Role:
        return self.row.role

    @strawberry.field(description="The shops it is limited to; null means all, also new ones.")
    def shop_ids(self) -> list[strawberry.ID] | None:
        return shop_ids_of(self.row.shop_ids)

    @strawberry.field
    def is_active(self) -> bool:
        return self.row.deactivated_at is None

    @strawberry.field(description="Whether an authenticator app is set up; passkeys do not count.")
    async def has_second_factor(self) -> bool:
        return (await staff.account_of(self.row)).totp_confirmed_at is not None

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def version(self) -> int:
        return self.row.version


@strawberry.type(name="Invitation", description="An offer to join the staff, sent by mail.")
class InvitationType:
    row: strawberry.Private[Invitation]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Invitation", self.row.id)

    @strawberry.field
    def email(self) -> str:
        return self.row.email

    @strawberry.field
    def role(self) -> Role:
        return self.row.role

    @strawberry.field(description="The shops it will be limited to; null means all.")
    def shop_ids(self) -> list[strawberry.ID] | None:
        return shop_ids_of(self.row.shop_ids)

    @strawberry.field
    def invited_by(self) -> str:
        return self.row.invited_by

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def expires_at(self) -> datetime:
        return self.row.expires_at


@strawberry.input(description="Somebody to invite.")
class StaffInviteInput:
    email: str
    role: Role = strawberry.field(description="May do no more than you may.")
    shop_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Shops it will be limited to; null means all."
    )
    locale: str | None = strawberry.field(
        default=None, description="Language of the mail: `en` or `zh-CN`; yours by default."
    )


@strawberry.input(description="An invitation to take back.")
class InvitationRevokeInput:
    invitation_id: strawberry.ID


@strawberry.type
class StaffInvitePayload:
    invitation: InvitationType | None
    user_errors: list[UserError]


@strawberry.type
class InvitationRevokePayload:
    invitation: InvitationType | None
    user_errors: list[UserError]


@strawberry.input(description="What a member is to be from now on.")
class StaffUpdateInput:
    member_id: strawberry.ID
    role: Role
    shop_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Shops it is limited to; null means all."
    )
    version: int = strawberry.field(description="The version you read.")


@strawberry.input(description="A member whose access ends.")
class StaffDeactivateInput:
    member_id: strawberry.ID
    version: int = strawberry.field(description="The version you read.")


@strawberry.input(description="A member whose access begins again.")
class StaffReactivateInput:
    member_id: strawberry.ID
    version: int = strawberry.field(description="The version you read.")


@strawberry.type
class StaffUpdatePayload:
    member: StaffMemberType | None
    user_errors: list[UserError]


@strawberry.type
class StaffDeactivatePayload:
    member: StaffMemberType | None
    user_errors: list[UserError]


@strawberry.type
class StaffReactivatePayload:
    member: StaffMemberType | None
    user_errors: list[UserError]


@strawberry.type
class StaffMutation:
    @strawberry.mutation(
        description="Ask somebody by mail to join. Asking again replaces the offer.",
        extensions=requires(Scope.MEMBERS_WRITE, all_shops=True),
    )
    async def staff_invite(self, info: Info, input: StaffInviteInput) -> StaffInvitePayload:
        invited = await staff.invite(
            info.context,
            email=input.email,
            role=input.role,
            shop_ids=input.shop_ids,
            locale=input.locale,
        )
        row = invited.value
        return StaffInvitePayload(
            invitation=None if row is None else InvitationType(row=row),
            user_errors=user_errors(invited.refusals),
        )

    @strawberry.mutation(
        description="Take an invitation back; its link is dead from now on.",
        extensions=requires(Scope.MEMBERS_WRITE, all_shops=True),
    )
    async def invitation_revoke(
        self, info: Info, input: InvitationRevokeInput
    ) -> InvitationRevokePayload:
        revoked = await staff.take_back(info.context, invitation_id=input.invitation_id)
        row = revoked.value
        return InvitationRevokePayload(
            invitation=None if row is None else InvitationType(row=row),
            user_errors=user_errors(revoked.refusals),
        )

    @strawberry.mutation(
        description="Give a member another role or other shops. It counts at once.",
        extensions=requires(Scope.MEMBERS_WRITE, all_shops=True),
    )
    async def staff_update(self, info: Info, input: StaffUpdateInput) -> StaffUpdatePayload:
        updated = await staff.update(
            info.context,
            member_id=input.member_id,
            role=input.role,
            shop_ids=input.shop_ids,
            version=input.version,
        )
        row = updated.value
        return StaffUpdatePayload(
            member=None if row is None else StaffMemberType(row=row),
            user_errors=user_errors(updated.refusals),
        )

    @strawberry.mutation(
        description="End a membership; its tokens end at once. The last owner stays.",
        extensions=requires(Scope.MEMBERS_WRITE, all_shops=True),
    )
    async def staff_deactivate(
        self, info: Info, input: StaffDeactivateInput
    ) -> StaffDeactivatePayload:
        ended = await staff.set_active(
            info.context, member_id=input.member_id, version=input.version, is_active=False
        )
        row = ended.value
        return StaffDeactivatePayload(
            member=None if row is None else StaffMemberType(row=row),
            user_errors=user_errors(ended.refusals),
        )

    @strawberry.mutation(
        description="Let a member back in, in the role it had.",
        extensions=requires(Scope.MEMBERS_WRITE, all_shops=True),
    )
    async def staff_reactivate(
        self, info: Info, input: StaffReactivateInput
    ) -> StaffReactivatePayload:
        begun = await staff.set_active(
            info.context, member_id=input.member_id, version=input.version, is_active=True
        )
        row = begun.value
        return StaffReactivatePayload(
            member=None if row is None else StaffMemberType(row=row),
            user_errors=user_errors(begun.refusals),
        )
