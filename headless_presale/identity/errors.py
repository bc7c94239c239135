"""What identity says no with."""

from enum import StrEnum

from headless_presale.kernel.errors import DomainError, NotFound, PresaleError


class Unauthenticated(PresaleError):
    """The caller shows no valid access token: nobody is known to be there."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TokenExpired(Unauthenticated):
    """The token was ours and its time is over: an honest client comes so, to have a new one."""


class Forbidden(PresaleError):
    """The caller is known and may not do this."""


class LastOwner(DomainError):
    """A merchant keeps at least one owner who can sign in."""

    code = "LAST_OWNER"
    template = "this is the last owner; make somebody else an owner first"


class ScopesExceeded(DomainError):
    """Nobody gives what he does not have. ``params``: scopes."""

    code = "SCOPES_EXCEEDED"
    template = "you cannot give permissions that you do not have: {scopes}"


class MemberNotFound(NotFound):
    """No such member of the staff with this merchant."""

    code = "MEMBER_NOT_FOUND"
    template = "the member of the staff was not found"


class ClientNotFound(NotFound):
    """No such API client of this merchant."""

    code = "CLIENT_NOT_FOUND"
    template = "the client was not found"


class GrantNotFound(NotFound):
    """No such grant with this merchant."""

    code = "GRANT_NOT_FOUND"
    template = "the authorization was not found"


class InvitationNotFound(NotFound):
    """There is no open invitation with this id, or it is another merchant's."""

    code = "INVITATION_NOT_FOUND"
    template = "there is no open invitation with this id"


class StaffMemberExists(DomainError):
    """Somebody with this address belongs to the staff already. ``params``: email."""

    code = "STAFF_MEMBER_EXISTS"
    template = "{email} belongs to the staff already"


# What pages deal with. None of these is part of the API.


class SignInError(PresaleError):
    """Base of what keeps somebody from signing in."""


class TooManyAttempts(DomainError, SignInError):
    """It was tried too often; the same may be tried again after a pause.

    ``params``: retry_after_seconds.
    """

    code = "TOO_MANY_ATTEMPTS"
    template = "too many attempts: wait {retry_after_seconds} seconds"

    def __init__(self, *, retry_after_seconds: int, field: tuple[str, ...] = ()) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(field=field, retry_after_seconds=retry_after_seconds)


class PasswordFault(StrEnum):
    """What is wrong with a new password."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    COMMON = "common"
    OWN_ADDRESS = "own_address"


class PasswordRefused(SignInError):
    """A new password cannot be taken."""

    def __init__(self, fault: PasswordFault) -> None:
        self.fault = fault
        super().__init__(fault)


class LinkState(StrEnum):
    """What has become of a link that was mailed."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    REVOKED = "revoked"


class LinkDead(SignInError):
    """A link that was mailed leads nowhere any more."""

    def __init__(self, state: LinkState) -> None:
        self.state = state
        super().__init__(f"the link is {state}")


class WrongAccount(SignInError):
    """An invitation was for another address than that of the account."""


class AccountExists(SignInError):
    """Somebody with this address has an account: it has to sign in instead of being made."""


class FactorRefused(SignInError):
    """A second factor was not shown, or not as it should be."""


class NotLinked(SignInError):
    """Somebody an outside issuer knows has no account here.

    Attributes:
        reason: ``unverified``, ``unknown``, ``deactivated``, or ``taken``: the account is linked to
            somebody else at the same issuer.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"not linked: {reason}")
