"""What privacy says no with."""

from headless_presale.kernel.errors import DomainError, NotFound


class ErasureBlocked(DomainError):
    """Orders under way need to know whom they are for. ``params``: count, numbers."""

    code = "ERASURE_BLOCKED"
    template = "{count} orders are under way"


class ExportTooSoon(DomainError):
    """The copy before was asked for within the hour. ``params``: retry_at, minutes."""

    code = "EXPORT_TOO_SOON"
    template = "a copy was asked for already: wait {minutes} minutes"


class FreshSignInRequired(DomainError):
    """What cannot be undone needs a sign-in of the last minutes. ``params``: minutes."""

    code = "FRESH_SIGN_IN_REQUIRED"
    template = "sign in again: the last time is more than {minutes} minutes ago"


class PersonNotFound(NotFound):
    """The shop knows nothing of this address."""

    code = "PERSON_NOT_FOUND"
    template = "nothing is known of this address"
