"""Who may do what: merchants, staff, clients, grants, the audit log."""

from importlib.resources import files
from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from headless_presale.identity.scopes import Role
from headless_presale.kernel.migration_operations import CreateConstraints

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """Tables of identity, the audit log, and a merchant for every shop there is."""

    dependencies = [("presale", "0003_procrastinate")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("email", fields.CharField(unique=True, max_length=320)),
                ("name", fields.CharField(default="", max_length=120)),
                ("locale", fields.CharField(default="en", max_length=10)),
                ("password_hash", fields.CharField(null=True, max_length=255)),
                (
                    "password_changed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "email_verified_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("totp_secret", fields.TextField(null=True, unique=False)),
                (
                    "totp_confirmed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("totp_last_step", fields.BigIntField(null=True)),
                (
                    "deactivated_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "account",
                "app": "presale",
                "constraints": [
                    CheckConstraint(check="email = lower(email)", name="account_email_folded"),
                    CheckConstraint(
                        check="totp_confirmed_at IS NULL OR totp_secret IS NOT NULL",
                        name="account_totp_has_secret",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A person who may sign in. ``email`` is stored case-folded and is unique.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("owner_id", fields.UUIDField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("actor", fields.CharField(max_length=80)),
                ("actor_label", fields.CharField(max_length=320)),
                ("client_id", fields.CharField(max_length=80)),
                ("request_id", fields.CharField(max_length=64)),
                ("action", fields.CharField(max_length=60)),
                ("subject_type", fields.CharField(max_length=40)),
                ("subject_id", fields.UUIDField()),
                ("subject_label", fields.CharField(max_length=320)),
                ("before", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("after", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "audit_entry",
                "app": "presale",
                "indexes": [
                    Index(fields=["owner_id", "id"], name="audit_entry_by_owner"),
                    Index(fields=["owner_id", "action", "id"], name="audit_entry_by_action"),
                    Index(fields=["owner_id", "actor", "id"], name="audit_entry_by_actor"),
                    Index(fields=["subject_id", "id"], name="audit_entry_by_subject"),
                ],
                "pk_attr": "id",
                "table_description": "One change. ``before`` and ``after`` hold the fields that differ, and only those.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ExternalIdentity",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "account",
                    fields.ForeignKeyField(
                        "presale.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="external_identities",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("issuer", fields.CharField(max_length=255)),
                ("subject", fields.CharField(max_length=255)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "last_used_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "external_identity",
                "app": "presale",
                "unique_together": (("issuer", "subject"),),
                "pk_attr": "id",
                "table_description": "An account's identity at an OpenID Connect provider, linked by its verified address.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Merchant",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("name", fields.CharField(max_length=120)),
                ("version", fields.IntField(default=1, db_default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "merchant",
                "app": "presale",
                "pk_attr": "id",
                "table_description": "An organisation that runs shops. Staff and clients belong to one; no row of another one's",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "merchant",
                    fields.ForeignKeyField(
                        "presale.Merchant",
                        source_field="merchant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="invitations",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("email", fields.CharField(max_length=320)),
                (
                    "role",
                    fields.CharEnumField(
                        description="OWNER: OWNER\nADMIN: ADMIN\nMANAGER: MANAGER\nSUPPORT: SUPPORT\nANALYST: ANALYST",
                        enum_type=Role,
                        max_length=20,
                    ),
                ),
                ("shop_ids", ArrayField(null=True, element_type="UUID")),
                ("invited_by", fields.CharField(max_length=320)),
                ("locale", fields.CharField(max_length=10)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "accepted_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "invitation",
                "app": "presale",
                "constraints": [
                    UniqueConstraint(
                        fields=("merchant_id", "email"),
                        name="invitation_one_open",
                        condition="accepted_at IS NULL AND revoked_at IS NULL",
                    )
                ],
                "indexes": [
                    Index(fields=["merchant_id", "created_at"], name="invitation_by_merchant")
                ],
                "pk_attr": "id",
                "table_description": "An offer to join a merchant's staff. Its token is signed, not stored.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OAuthClient",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "merchant",
                    fields.ForeignKeyField(
                        "presale.Merchant",
                        source_field="merchant_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="clients",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=120)),
                ("secret_hash", fields.CharField(null=True, max_length=64)),
                ("previous_secret_hash", fields.CharField(null=True, max_length=64)),
                (
                    "previous_secret_expires_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("redirect_uris", ArrayField(default=list, element_type="TEXT")),
                ("grant_types", ArrayField(default=list, element_type="TEXT")),
                ("scopes", ArrayField(default=list, element_type="TEXT")),
                ("shop_ids", ArrayField(null=True, element_type="UUID")),
                (
                    "disabled_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "oauth_client",
                "app": "presale",
                "pk_attr": "id",
                "table_description": "An application that may ask for tokens. Its id is the ``client_id``.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OAuthConsent",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "account",
                    fields.ForeignKeyField(
                        "presale.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="consents",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "client",
                    fields.ForeignKeyField(
                        "presale.OAuthClient",
                        source_field="client_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="consents",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "merchant",
                    fields.ForeignKeyField(
                        "presale.Merchant",
                        source_field="merchant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="consents",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("scopes", ArrayField(default=list, element_type="TEXT")),
                ("granted_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "oauth_consent",
                "app": "presale",
                "unique_together": (("account", "client", "merchant"),),
                "pk_attr": "id",
                "table_description": "What a person has allowed a client before, so that the same is not asked again.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OAuthGrant",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "client",
                    fields.ForeignKeyField(
                        "presale.OAuthClient",
                        source_field="client_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="grants",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "account",
                    fields.ForeignKeyField(
                        "presale.Account",
                        source_field="account_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="grants",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "merchant",
                    fields.ForeignKeyField(
                        "presale.Merchant",
                        source_field="merchant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="grants",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("scopes", ArrayField(default=list, element_type="TEXT")),
                ("shop_ids", ArrayField(null=True, element_type="UUID")),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "authenticated_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("factors", ArrayField(default=list, element_type="TEXT")),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("revoked_reason", fields.CharField(default="", max_length=60)),
            ],
            options={
                "table": "oauth_grant",
                "app": "presale",
                "indexes": [
                    Index(fields=["merchant_id", "created_at"], name="oauth_grant_by_merchant"),
                    Index(fields=["expires_at"], name="oauth_grant_expiry"),
                ],
                "pk_attr": "id",
                "table_description": "What somebody allowed a client to do for a merchant: the family of all its tokens.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OAuthCode",
            fields=[
                (
                    "code_hash",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                (
                    "grant",
                    fields.ForeignKeyField(
                        "presale.OAuthGrant",
                        source_field="grant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="codes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("redirect_uri", fields.TextField(unique=False)),
                ("code_challenge", fields.CharField(max_length=128)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "oauth_code",
                "app": "presale",
                "pk_attr": "code_hash",
                "table_description": "An authorization code: used once, within a minute, by the client that asked.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OAuthRefreshToken",
            fields=[
                (
                    "token_hash",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                (
                    "grant",
                    fields.ForeignKeyField(
                        "presale.OAuthGrant",
                        source_field="grant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="refresh_tokens",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("parent_hash", fields.CharField(null=True, max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "replaced_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "oauth_refresh_token",
                "app": "presale",
                "indexes": [Index(fields=["parent_hash"], name="oauth_refresh_token_by_parent")],
                "pk_attr": "token_hash",
                "table_description": "A refresh token: used once, then its successor counts.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Passkey",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "account",
                    fields.ForeignKeyField(
                        "presale.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="passkeys",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("credential_id", fields.CharField(unique=True, max_length=1400)),
                ("public_key", fields.BinaryField()),
                ("sign_count", fields.BigIntField(default=0)),
                ("name", fields.CharField(max_length=120)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "last_used_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "passkey",
                "app": "presale",
                "pk_attr": "id",
                "table_description": "A WebAuthn credential of an account; ``credential_id`` is base64url without padding.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PasswordReset",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "account",
                    fields.ForeignKeyField(
                        "presale.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="password_resets",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "password_reset",
                "app": "presale",
                "pk_attr": "id",
                "table_description": "A reset that somebody asked for. Its token is signed, not stored.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RecoveryCode",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "account",
                    fields.ForeignKeyField(
                        "presale.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="recovery_codes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("code_hash", fields.CharField(unique=True, max_length=64)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "recovery_code",
                "app": "presale",
                "pk_attr": "id",
                "table_description": "A code that replaces the second factor once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SignInSession",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "presale.Account",
                        source_field="account_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="sessions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("factors", ArrayField(default=list, element_type="TEXT")),
                (
                    "authenticated_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("challenge", fields.TextField(null=True, unique=False)),
                ("user_agent", fields.CharField(default="", max_length=255)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "sign_in_session",
                "app": "presale",
                "indexes": [Index(fields=["expires_at"], name="sign_in_session_expiry")],
                "pk_attr": "id",
                "table_description": "A browser that signs in, or has. The cookie's value is stored as a hash.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SigningKey",
            fields=[
                (
                    "kid",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("algorithm", fields.CharField(max_length=10)),
                ("private_key", fields.TextField(unique=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("signs_from", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("retires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "signing_key",
                "app": "presale",
                "pk_attr": "kid",
                "table_description": "A key that signs access tokens. ``private_key`` is sealed PEM.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StaffMember",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "merchant",
                    fields.ForeignKeyField(
                        "presale.Merchant",
                        source_field="merchant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="staff",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "account",
                    fields.ForeignKeyField(
                        "presale.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="memberships",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "role",
                    fields.CharEnumField(
                        description="OWNER: OWNER\nADMIN: ADMIN\nMANAGER: MANAGER\nSUPPORT: SUPPORT\nANALYST: ANALYST",
                        enum_type=Role,
                        max_length=20,
                    ),
                ),
                ("shop_ids", ArrayField(null=True, element_type="UUID")),
                (
                    "deactivated_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "staff_member",
                "app": "presale",
                "unique_together": (("merchant", "account"),),
                "constraints": [
                    CheckConstraint(
                        check="role <> 'OWNER' OR shop_ids IS NULL",
                        name="staff_member_owner_of_all",
                    )
                ],
                "pk_attr": "id",
                "table_description": "An account's role with a merchant, in all of its shops or in some.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Throttle",
            fields=[
                (
                    "key",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("window_ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("attempts", fields.IntField()),
            ],
            options={
                "table": "throttle",
                "app": "presale",
                "indexes": [Index(fields=["window_ends_at"], name="throttle_expiry")],
                "pk_attr": "key",
                "table_description": "How often something was tried lately: one row per thing, keyed by a hash.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Shop",
            name="contact_email",
            field=fields.CharField(default="", db_default="", max_length=320),
        ),
        ops.AddField(
            model_name="Shop",
            name="merchant",
            field=fields.ForeignKeyField(
                "presale.Merchant",
                null=True,
                source_field="merchant_id",
                db_constraint=True,
                to_field="id",
                db_index=False,
                related_name="shops",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.RunSQL(SQL.joinpath("merchants.sql").read_text(encoding="utf-8")),
        ops.AlterField(
            model_name="Shop",
            name="merchant",
            field=fields.ForeignKeyField(
                "presale.Merchant",
                source_field="merchant_id",
                db_constraint=True,
                to_field="id",
                db_index=False,
                related_name="shops",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddField(
            model_name="Shop",
            name="policies",
            field=fields.JSONField(
                default=dict, db_default="{}", encoder=JSON_DUMPS, decoder=loads
            ),
        ),
        ops.AddField(
            model_name="Shop",
            name="timezone",
            field=fields.CharField(default="UTC", db_default="UTC", max_length=40),
        ),
        ops.AddField(
            model_name="Shop",
            name="version",
            field=fields.IntField(default=1, db_default=1),
        ),
        ops.AddIndex(
            model_name="Shop", index=Index(fields=["merchant_id"], name="shop_by_merchant")
        ),
        CreateConstraints("Account", "StaffMember", "Invitation"),
        ops.RunSQL(SQL.joinpath("audit_log.sql").read_text(encoding="utf-8")),
    ]
