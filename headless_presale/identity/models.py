"""Who there is: accounts, staff, clients; and what they were granted.

What only has to be recognised is stored as a hash (codes, tokens, recovery codes, client secrets);
what has to be read again is sealed (TOTP secrets, signing keys); see ``kernel/vault.py``.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from headless_presale.identity.scopes import Role
from headless_presale.kernel.models import Model

if TYPE_CHECKING:
    from headless_presale.shops.models import Merchant


class Account(Model):
    """A person who may sign in. ``email`` is stored case-folded and is unique.

    Without ``password_hash`` the account signs in elsewhere (``ExternalIdentity``), or not yet.
    ``totp_last_step`` is the newest time step whose code was used: each counts once.
    """

    id = fields.UUIDField(primary_key=True)
    email = fields.CharField(max_length=320, unique=True)
    name = fields.CharField(max_length=120, default="")
    locale = fields.CharField(max_length=10, default="en")
    password_hash = fields.CharField(max_length=255, null=True)
    password_changed_at = fields.DatetimeField(null=True)
    email_verified_at = fields.DatetimeField(null=True)
    totp_secret = fields.TextField(null=True)
    """Sealed; set but not confirmed while the person is setting it up."""
    totp_confirmed_at = fields.DatetimeField(null=True)
    totp_last_step = fields.BigIntField(null=True)
    deactivated_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "account"
        constraints = (
            CheckConstraint(check="email = lower(email)", name="account_email_folded"),
            CheckConstraint(
                check="totp_confirmed_at IS NULL OR totp_secret IS NOT NULL",
                name="account_totp_has_secret",
            ),
        )


class Passkey(Model):
    """A WebAuthn credential of an account; ``credential_id`` is base64url without padding."""

    id = fields.UUIDField(primary_key=True)
    account_id: UUID
    account: fields.ForeignKeyRelation["Account"] = fields.ForeignKeyField(
        "presale.Account", related_name="passkeys", on_delete=fields.RESTRICT
    )
    credential_id = fields.CharField(max_length=1400, unique=True)
    public_key = fields.BinaryField()
    sign_count = fields.BigIntField(default=0)
    name = fields.CharField(max_length=120)
    created_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "passkey"


class RecoveryCode(Model):
    """A code that replaces the second factor once."""

    id = fields.UUIDField(primary_key=True)
    account_id: UUID
    account: fields.ForeignKeyRelation["Account"] = fields.ForeignKeyField(
        "presale.Account", related_name="recovery_codes", on_delete=fields.RESTRICT
    )
    code_hash = fields.CharField(max_length=64, unique=True)
    used_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "recovery_code"


class ExternalIdentity(Model):
    """An account's identity at an OpenID Connect provider, linked by its verified address."""

    id = fields.UUIDField(primary_key=True)
    account_id: UUID
    account: fields.ForeignKeyRelation["Account"] = fields.ForeignKeyField(
        "presale.Account", related_name="external_identities", on_delete=fields.RESTRICT
    )
    issuer = fields.CharField(max_length=255)
    subject = fields.CharField(max_length=255)
    created_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "external_identity"
        unique_together = (("issuer", "subject"),)


class StaffMember(Model):
    """An account's role with a merchant, in all of its shops or in some.

    ``shop_ids`` None means all, those of the future included.
    """

    id = fields.UUIDField(primary_key=True)
    merchant_id: UUID
    merchant: fields.ForeignKeyRelation["Merchant"] = fields.ForeignKeyField(
        "presale.Merchant", related_name="staff", db_index=False, on_delete=fields.RESTRICT
    )
    account_id: UUID
    account: fields.ForeignKeyRelation["Account"] = fields.ForeignKeyField(
        "presale.Account", related_name="memberships", on_delete=fields.RESTRICT
    )
    role = fields.CharEnumField(Role, max_length=20)
    shop_ids = ArrayField(element_type="uuid", null=True)
    deactivated_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()

    class Meta:
        table = "staff_member"
        unique_together = (("merchant", "account"),)
        constraints = (
            CheckConstraint(
                check="role <> 'OWNER' OR shop_ids IS NULL", name="staff_member_owner_of_all"
            ),
        )


class Invitation(Model):
    """An offer to join a merchant's staff. Its token is signed, not stored."""

    id = fields.UUIDField(primary_key=True)
    merchant_id: UUID
    merchant: fields.ForeignKeyRelation["Merchant"] = fields.ForeignKeyField(
        "presale.Merchant", related_name="invitations", db_index=False, on_delete=fields.RESTRICT
    )
    email = fields.CharField(max_length=320)
    role = fields.CharEnumField(Role, max_length=20)
    shop_ids = ArrayField(element_type="uuid", null=True)
    invited_by = fields.CharField(max_length=320)
    locale = fields.CharField(max_length=10)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    accepted_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "invitation"
        indexes = (Index(fields=("merchant_id", "created_at"), name="invitation_by_merchant"),)
        constraints = (
            UniqueConstraint(
                fields=("merchant_id", "email"),
                name="invitation_one_open",
                condition="accepted_at IS NULL AND revoked_at IS NULL",
            ),
        )


class PasswordReset(Model):
    """A reset that somebody asked for. Its token is signed, not stored."""

    id = fields.UUIDField(primary_key=True)
    account_id: UUID
    account: fields.ForeignKeyRelation["Account"] = fields.ForeignKeyField(
        "presale.Account", related_name="password_resets", on_delete=fields.RESTRICT
    )
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "password_reset"


class SignInSession(Model):
    """A browser that signs in, or has. The cookie's value is stored as a hash.

    ``factors`` are what was shown so far (RFC 8176: ``pwd``, ``otp``, ``hwk``, ``fed``...);
    ``authenticated_at`` is set once they suffice. ``challenge`` is of the ceremony under way.
    ``expires_at`` moves on with use (``last_seen_at``), within a bound from ``created_at``.
    """

    id = fields.UUIDField(primary_key=True)
    token_hash = fields.CharField(max_length=64, unique=True)
    account_id: UUID
    account: fields.ForeignKeyRelation["Account"] = fields.ForeignKeyField(
        "presale.Account", related_name="sessions", on_delete=fields.RESTRICT
    )
    factors = ArrayField(element_type="text", default=list)
    authenticated_at = fields.DatetimeField(null=True)
    challenge = fields.TextField(null=True)
    user_agent = fields.CharField(max_length=255, default="")
    created_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "sign_in_session"
        indexes = (Index(fields=("expires_at",), name="sign_in_session_expiry"),)


class Throttle(Model):
    """How often something was tried lately: one row per thing, keyed by a hash."""

    key = fields.CharField(max_length=64, primary_key=True)
    window_ends_at = fields.DatetimeField()
    attempts = fields.IntField()

    class Meta:
        table = "throttle"
        indexes = (Index(fields=("window_ends_at",), name="throttle_expiry"),)


class OAuthClient(Model):
    """An application that may ask for tokens. Its id is the ``client_id``.

    Without a merchant it is ours (the admin), open to every merchant's staff. Without
    ``secret_hash`` it is public: PKCE alone protects its codes. ``scopes`` are the most it may be
    granted; ``shop_ids`` None means all of its merchant's shops.
    """

    id = fields.UUIDField(primary_key=True)
    merchant_id: UUID | None
    merchant: fields.ForeignKeyNullableRelation["Merchant"] = fields.ForeignKeyField(
        "presale.Merchant", related_name="clients", null=True, on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=120)
    secret_hash = fields.CharField(max_length=64, null=True)
    previous_secret_hash = fields.CharField(max_length=64, null=True)
    previous_secret_expires_at = fields.DatetimeField(null=True)
    redirect_uris = ArrayField(element_type="text", default=list)
    grant_types = ArrayField(element_type="text", default=list)
    scopes = ArrayField(element_type="text", default=list)
    shop_ids = ArrayField(element_type="uuid", null=True)
    disabled_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()

    class Meta:
        table = "oauth_client"


class OAuthGrant(Model):
    """What somebody allowed a client to do for a merchant: the family of all its tokens.

    Without an account the client acts for itself. ``shop_ids`` None means all that both may touch.
    Revoking the grant ends every token of it.
    """

    id = fields.UUIDField(primary_key=True)
    client_id: UUID
    client: fields.ForeignKeyRelation["OAuthClient"] = fields.ForeignKeyField(
        "presale.OAuthClient", related_name="grants", on_delete=fields.RESTRICT
    )
    account_id: UUID | None
    account: fields.ForeignKeyNullableRelation["Account"] = fields.ForeignKeyField(
        "presale.Account", related_name="grants", null=True, on_delete=fields.RESTRICT
    )
    merchant_id: UUID
    merchant: fields.ForeignKeyRelation["Merchant"] = fields.ForeignKeyField(
        "presale.Merchant", related_name="grants", db_index=False, on_delete=fields.RESTRICT
    )
    scopes = ArrayField(element_type="text", default=list)
    shop_ids = ArrayField(element_type="uuid", null=True)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    """When the last token of it ends at the latest."""
    authenticated_at = fields.DatetimeField(null=True)
    factors = ArrayField(element_type="text", default=list)
    revoked_at = fields.DatetimeField(null=True)
    revoked_reason = fields.CharField(max_length=60, default="")

    class Meta:
        table = "oauth_grant"
        indexes = (
            Index(fields=("merchant_id", "created_at"), name="oauth_grant_by_merchant"),
            Index(fields=("expires_at",), name="oauth_grant_expiry"),
        )


class OAuthCode(Model):
    """An authorization code: used once, within a minute, by the client that asked."""

    code_hash = fields.CharField(max_length=64, primary_key=True)
    grant_id: UUID
    grant: fields.ForeignKeyRelation["OAuthGrant"] = fields.ForeignKeyField(
        "presale.OAuthGrant", related_name="codes", on_delete=fields.RESTRICT
    )
    redirect_uri = fields.TextField()
    code_challenge = fields.CharField(max_length=128)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "oauth_code"


class OAuthRefreshToken(Model):
    """A refresh token: used once, then its successor counts.

    Several may have one parent, where an answer was lost on its way: with the first that is used
    the others are replaced (``replaced_at``).
    """

    token_hash = fields.CharField(max_length=64, primary_key=True)
    grant_id: UUID
    grant: fields.ForeignKeyRelation["OAuthGrant"] = fields.ForeignKeyField(
        "presale.OAuthGrant", related_name="refresh_tokens", on_delete=fields.RESTRICT
    )
    parent_hash = fields.CharField(max_length=64, null=True)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)
    replaced_at = fields.DatetimeField(null=True)

    class Meta:
        table = "oauth_refresh_token"
        indexes = (Index(fields=("parent_hash",), name="oauth_refresh_token_by_parent"),)


class OAuthConsent(Model):
    """What a person has allowed a client before, so that the same is not asked again."""

    id = fields.UUIDField(primary_key=True)
    account_id: UUID
    account: fields.ForeignKeyRelation["Account"] = fields.ForeignKeyField(
        "presale.Account", related_name="consents", on_delete=fields.RESTRICT
    )
    client_id: UUID
    client: fields.ForeignKeyRelation["OAuthClient"] = fields.ForeignKeyField(
        "presale.OAuthClient", related_name="consents", on_delete=fields.RESTRICT
    )
    merchant_id: UUID
    merchant: fields.ForeignKeyRelation["Merchant"] = fields.ForeignKeyField(
        "presale.Merchant", related_name="consents", on_delete=fields.RESTRICT
    )
    scopes = ArrayField(element_type="text", default=list)
    granted_at = fields.DatetimeField()

    class Meta:
        table = "oauth_consent"
        unique_together = (("account", "client", "merchant"),)


class SigningKey(Model):
    """A key that signs access tokens. ``private_key`` is sealed PEM.

    Published from ``created_at`` on, signs from ``signs_from`` until the next one does, and stays
    published until the last token it signed has expired (``retires_at``).
    """

    kid = fields.CharField(max_length=64, primary_key=True)
    algorithm = fields.CharField(max_length=10)
    private_key = fields.TextField()
    created_at = fields.DatetimeField()
    signs_from = fields.DatetimeField()
    retires_at = fields.DatetimeField(null=True)

    class Meta:
        table = "signing_key"
