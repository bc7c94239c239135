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


class SignInProviderNotFound(NotFound):
    """The shop has no such provider, or has switched it off."""

    code = "SIGN_IN_PROVIDER_NOT_FOUND"
    template = "there is no such sign-in provider"


class SignInProviderExists(DomainError):
    """The shop has this provider already; of WeChat it has one mini-program."""

    code = "SIGN_IN_PROVIDER_EXISTS"
    template = "the shop has this sign-in provider already"


class SignInRefused(DomainError):
    """What a provider gave for a sign-in is not valid, or was used: it has to be begun anew."""

    code = "SIGN_IN_REFUSED"
    template = "the sign-in is not valid"


class SignInBlocked(DomainError):
    """The provider lets this person in nowhere."""

    code = "SIGN_IN_BLOCKED"
    template = "the provider has blocked this user"


class SignInProviderUnavailable(DomainError):
    """The provider does not answer, or not as it should. ``params``: provider."""

    code = "SIGN_IN_PROVIDER_UNAVAILABLE"
    template = "the sign-in provider {provider} cannot be used at the moment"


class AddressNotFound(NotFound):
    """No such address in this customer's book."""

    code = "ADDRESS_NOT_FOUND"
    template = "the address was not found"


class NotificationMandatory(DomainError):
    """These mails belong to the contract, or to the safety of the account."""

    code = "NOTIFICATION_MANDATORY"
    template = "these mails cannot be turned off"


class EmailProvenAlready(DomainError):
    """The account has an address; another one is another account."""

    code = "EMAIL_PROVEN_ALREADY"
    template = "the account has an e-mail address already"
