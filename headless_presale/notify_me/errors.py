"""What the list says no with."""

from headless_presale.kernel.errors import DomainError


class NotifyMeClosed(DomainError):
    """The campaign is open already, or over: nobody has to be told. ``params``: status."""

    code = "NOTIFY_ME_CLOSED"
    template = "the campaign is {status}"
