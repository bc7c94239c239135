"""What identity tells. None of these carries a secret: links are made when mails are sent."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from headless_presale.identity.scopes import Role
from headless_presale.kernel.events import Event


class SecurityChange(StrEnum):
    """What changed about how somebody signs in; the person is told by mail."""

    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    PASSWORD_RESET = "PASSWORD_RESET"
    TOTP_ADDED = "TOTP_ADDED"
    TOTP_REMOVED = "TOTP_REMOVED"
    PASSKEY_ADDED = "PASSKEY_ADDED"
    PASSKEY_REMOVED = "PASSKEY_REMOVED"
    RECOVERY_CODES_REPLACED = "RECOVERY_CODES_REPLACED"
    RECOVERY_CODE_USED = "RECOVERY_CODE_USED"
    PROVIDER_LINKED = "PROVIDER_LINKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffInvited(Event):
    """Somebody was asked to join a merchant's staff."""

    type: ClassVar[str] = "staff.invited"
    invitation_id: UUID
    merchant_id: UUID
    role: Role

    @property
    def topic(self) -> str:
        return f"merchant:{self.merchant_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffJoined(Event):
    """Somebody accepted an invitation."""

    type: ClassVar[str] = "staff.joined"
    invitation_id: UUID
    merchant_id: UUID
    account_id: UUID
    role: Role

    @property
    def topic(self) -> str:
        return f"merchant:{self.merchant_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent(Event):
    """Base: something about one account."""

    account_id: UUID

    @property
    def topic(self) -> str:
        return f"account:{self.account_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested(AccountEvent):
    """Somebody asked for a new password for an account that exists."""

    type: ClassVar[str] = "account.password_reset_requested"
    reset_id: UUID
    locale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityChanged(AccountEvent):
    """How somebody signs in has changed. ``detail`` is the name of a passkey, or empty."""

    type: ClassVar[str] = "account.security_changed"
    notice_id: UUID
    change: SecurityChange
    detail: str = ""
