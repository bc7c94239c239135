"""Why a message was not sent. None of these reaches a client: jobs deal with them."""

from headless_presale.kernel.errors import PresaleError


class MailNotAccepted(PresaleError):
    """The mail was not taken, but may be later: no connection, greylisting, a full disk."""


class MailRefused(PresaleError):
    """The mail was refused for good: sending it again gets the same answer."""


class MessageBusy(PresaleError):
    """Another worker is sending this message, or died while it did."""
