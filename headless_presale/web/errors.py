"""Why a page is not shown. Each becomes a page that says so."""

from headless_presale.kernel.errors import PresaleError


class PageRefused(PresaleError):
    """A request that a page of its own answers.

    Attributes:
        status: of the answer.
        text: key of the sentence that the page says.
        retry_after_seconds: sent as ``Retry-After``.
    """

    def __init__(self, status: int, text: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.retry_after_seconds = retry_after_seconds


class CsrfRefused(PageRefused):
    """A form that was not sent from a page of ours, or from one that is too old."""

    def __init__(self) -> None:
        super().__init__(403, "form_expired")
