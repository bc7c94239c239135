"""Customers of a shop, and where they are signed in.

What only has to be recognised is stored as a hash (refresh tokens) or not at all (codes).
"""

from typing import TYPE_CHECKING
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint

from headless_presale.customers.states import (
    ConsentKind,
    ConsentSource,
    NotificationKind,
    ProviderKind,
)
from headless_presale.kernel.indexes import WhereIndex
from headless_presale.kernel.models import Model

if TYPE_CHECKING:
    from headless_presale.shops.models import Shop


class Customer(Model):
    """A buyer of one shop who has proven who he is.

    With an address, which is stored case-folded, the id is ``customer_id_of(shop_id, email)``: what
    orders of that address carry, those from before the account included. Somebody whom only an
    outside provider vouches for has no address, and an id that no order carries. ``version`` rises
    with each change of his profile.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="customers", db_index=False, on_delete=fields.RESTRICT
    )
    email = fields.CharField(max_length=320, null=True)
    email_verified_at = fields.DatetimeField(null=True)
    name = fields.CharField(max_length=120, default="")
    phone = fields.CharField(max_length=40, default="", db_default="")
    locale = fields.CharField(max_length=10)
    created_at = fields.DatetimeField()
    version = fields.IntField(default=1, db_default=1)

    class Meta:
        table = "customer"
        unique_together = (("shop", "email"),)


class SignInProvider(Model):
    """Where customers of a shop may prove who they are, outside of this house.

    Kind, issuer and client stay as they are: they say whom a name that it gives belongs to.
    ``issuer`` is the address of an OpenID Connect provider, or ``wechat:`` and the mini-program's
    appid, for each mini-program calls people by other names. The secret is sealed.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="sign_in_providers", db_index=False, on_delete=fields.RESTRICT
    )
    kind = fields.CharEnumField(ProviderKind, max_length=8)
    issuer = fields.CharField(max_length=500)
    client_id = fields.CharField(max_length=200)
    secret = fields.TextField(null=True)
    name = fields.CharField(max_length=60)
    redirect_uris = ArrayField(element_type="text")
    disabled_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()

    class Meta:
        table = "customer_sign_in_provider"
        unique_together = (("shop", "issuer"),)
        constraints = (
            CheckConstraint(
                check="kind <> 'WECHAT' OR secret IS NOT NULL",
                name="customer_sign_in_provider_wechat_has_secret",
            ),
        )


class CustomerIdentity(Model):
    """What an outside provider calls a customer: WeChat's openid, an issuer's subject.

    ``union_id`` is what WeChat calls the same person in all that one company has.
    """

    id = fields.UUIDField(primary_key=True)
    customer_id: UUID
    customer: fields.ForeignKeyRelation["Customer"] = fields.ForeignKeyField(
        "presale.Customer", related_name="identities", db_index=False, on_delete=fields.RESTRICT
    )
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop",
        related_name="customer_identities",
        db_index=False,
        on_delete=fields.RESTRICT,
    )
    kind = fields.CharEnumField(ProviderKind, max_length=8)
    issuer = fields.CharField(max_length=500)
    subject = fields.CharField(max_length=255)
    union_id = fields.CharField(max_length=255, null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "customer_identity"
        unique_together = (("shop", "issuer", "subject"),)
        indexes = (Index(fields=("customer_id",), name="customer_identity_by_customer"),)


class SignInFlow(Model):
    """A browser that was sent to a provider: its answer is taken once, and from this browser.

    Of what the answer and the browser have to show only hashes are kept.
    """

    state_hash = fields.CharField(max_length=64, primary_key=True)
    browser_key_hash = fields.CharField(max_length=64)
    provider_id: UUID
    provider: fields.ForeignKeyRelation["SignInProvider"] = fields.ForeignKeyField(
        "presale.SignInProvider",
        related_name="flows",
        db_index=False,
        on_delete=fields.CASCADE,
    )
    redirect_uri = fields.CharField(max_length=2000)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "customer_sign_in_flow"
        indexes = (
            Index(fields=("provider_id",), name="customer_sign_in_flow_by_provider"),
            Index(fields=("expires_at",), name="customer_sign_in_flow_expiry"),
        )


class CustomerCode(Model):
    """A code that was mailed. It is derived from the id under the secret key, and stored nowhere.

    ``attempts`` are wrong ones. ``ended_at``: it was used, or a newer one was asked for.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="customer_codes", db_index=False, on_delete=fields.RESTRICT
    )
    email = fields.CharField(max_length=320)
    locale = fields.CharField(max_length=10)
    attempts = fields.IntField(default=0)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "customer_code"
        indexes = (
            WhereIndex(
                fields=("shop_id", "email"), name="customer_code_open", where="ended_at IS NULL"
            ),
            Index(fields=("expires_at",), name="customer_code_expiry"),
        )


class CustomerGrant(Model):
    """A sign-in: what a browser's tokens were issued under. Revoking it ends them."""

    id = fields.UUIDField(primary_key=True)
    customer_id: UUID
    customer: fields.ForeignKeyRelation["Customer"] = fields.ForeignKeyField(
        "presale.Customer", related_name="grants", db_index=False, on_delete=fields.RESTRICT
    )
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)
    revoked_reason = fields.CharField(max_length=40, default="")

    class Meta:
        table = "customer_grant"
        indexes = (
            Index(fields=("customer_id",), name="customer_grant_by_customer"),
            Index(fields=("expires_at",), name="customer_grant_expiry"),
        )


class CustomerRefreshToken(Model):
    """A refresh token: used once, then its successor counts. See ``identity/oauth/rotation.py``."""

    token_hash = fields.CharField(max_length=64, primary_key=True)
    grant_id: UUID
    grant: fields.ForeignKeyRelation["CustomerGrant"] = fields.ForeignKeyField(
        "presale.CustomerGrant",
        related_name="refresh_tokens",
        db_index=False,
        on_delete=fields.RESTRICT,
    )
    parent_hash = fields.CharField(max_length=64, null=True)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)
    replaced_at = fields.DatetimeField(null=True)

    class Meta:
        table = "customer_refresh_token"
        indexes = (
            Index(fields=("grant_id",), name="customer_refresh_token_by_grant"),
            Index(fields=("parent_hash",), name="customer_refresh_token_by_parent"),
            Index(fields=("expires_at",), name="customer_refresh_token_expiry"),
        )


class CustomerAddress(Model):
    """An address of a customer's address book.

    The default is the one that was preferred last (``preferred_at``); the first is preferred when
    it is added. ``name`` is who receives it.
    """

    id = fields.UUIDField(primary_key=True)
    customer_id: UUID
    customer: fields.ForeignKeyRelation["Customer"] = fields.ForeignKeyField(
        "presale.Customer", related_name="addresses", db_index=False, on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=200)
    phone = fields.CharField(max_length=40, null=True)
    country = fields.CharField(max_length=2)
    region = fields.CharField(max_length=300, null=True)
    city = fields.CharField(max_length=200)
    line1 = fields.CharField(max_length=300)
    line2 = fields.CharField(max_length=300, null=True)
    postal_code = fields.CharField(max_length=300, null=True)
    preferred_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=1, db_default=1)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "customer_address"
        indexes = (Index(fields=("customer_id",), name="customer_address_by_customer"),)


class CustomerConsent(Model):
    """A consent that was given or withdrawn. Append-only; a trigger sees to it.

    ``text_version`` names the text that was shown; a withdrawal names the one it withdraws from.
    """

    id = fields.UUIDField(primary_key=True)
    customer_id: UUID
    customer: fields.ForeignKeyRelation["Customer"] = fields.ForeignKeyField(
        "presale.Customer", related_name="consents", db_index=False, on_delete=fields.RESTRICT
    )
    kind = fields.CharEnumField(ConsentKind, max_length=20)
    is_given = fields.BooleanField()
    text_version = fields.CharField(max_length=40)
    source = fields.CharEnumField(ConsentSource, max_length=12)
    locale = fields.CharField(max_length=10)
    at = fields.DatetimeField()

    class Meta:
        table = "customer_consent"
        indexes = (Index(fields=("customer_id", "id"), name="customer_consent_by_customer"),)


class CustomerMailChoice(Model):
    """Whether a customer wants mails of a kind; without a row the kind's own default counts."""

    id = fields.UUIDField(primary_key=True)
    customer_id: UUID
    customer: fields.ForeignKeyRelation["Customer"] = fields.ForeignKeyField(
        "presale.Customer", related_name="mail_choices", db_index=False, on_delete=fields.RESTRICT
    )
    kind = fields.CharEnumField(NotificationKind, max_length=20)
    is_on = fields.BooleanField()
    changed_at = fields.DatetimeField()

    class Meta:
        table = "customer_mail_choice"
        unique_together = (("customer", "kind"),)
