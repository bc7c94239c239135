"""What identity says no with."""

from headless_presale.kernel.errors import DomainError, NotFound, PresaleError


class Unauthenticated(PresaleError):
    """The caller shows no valid access token: nobody is known to be there."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


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
