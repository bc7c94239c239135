"""What customers are told no with."""

from headless_presale.kernel.errors import DomainError, NotFound


class CodeRefused(DomainError):
    """The code is wrong, was used, is too old or was tried too often: all look alike."""

    code = "CODE_REFUSED"
    template = "the code is not valid"


class SessionEnded(DomainError):
    """A refresh token that counts no more, or never did."""

    code = "SESSION_ENDED"
    template = "the session has ended"


class TooManySignIns(DomainError):
    """It was tried too often. ``params``: retry_after_seconds."""

    code = "TOO_MANY_ATTEMPTS"
    template = "too many attempts: wait {retry_after_seconds} seconds"


class AddressNotFound(NotFound):
    """No such address in this customer's book."""

    code = "ADDRESS_NOT_FOUND"
    template = "the address was not found"


class NotificationMandatory(DomainError):
    """These mails belong to the contract, or to the safety of the account."""

    code = "NOTIFICATION_MANDATORY"
    template = "these mails cannot be turned off"
