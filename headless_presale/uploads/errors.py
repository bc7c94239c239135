"""What can go wrong with the sending of a file."""

from headless_presale.kernel.errors import DomainError, PresaleError


class UploadTooLarge(DomainError):
    """The file is larger than what is taken. ``params``: limit_mb."""

    code = "UPLOAD_TOO_LARGE"
    template = "a file may have at most {limit_mb} MB"


class FormRefused(PresaleError):
    """A form was sent where the file itself is expected."""


class UploadTooSlow(PresaleError):
    """The file has not arrived in time."""
