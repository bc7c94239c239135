"""What can go wrong with pictures."""

from headless_presale.kernel.errors import DomainError, NotFound


class MediaNotFound(NotFound):
    """The shop has no such picture."""

    code = "MEDIA_NOT_FOUND"
    template = "the picture was not found"


class MediaNotPicture(DomainError):
    """Its content is not a picture of a kind that is taken; its name does not count."""

    code = "MEDIA_NOT_PICTURE"
    template = "this is not a JPEG, PNG, WebP, AVIF or GIF picture"


class MediaDamaged(DomainError):
    """It begins like a picture and cannot be read to its end."""

    code = "MEDIA_DAMAGED"
    template = "the picture is damaged or incomplete"


class MediaAnimated(DomainError):
    """It has several frames; showing one of them would not be what was meant."""

    code = "MEDIA_ANIMATED"
    template = "animated pictures are not supported; upload a still one"


class MediaTooManyPixels(DomainError):
    """Its header announces more pixels than are decoded. ``params``: limit_megapixels."""

    code = "MEDIA_TOO_MANY_PIXELS"
    template = "a picture may have at most {limit_megapixels} megapixels"


class MediaInUse(DomainError):
    """Products show the picture. ``params``: uses."""

    code = "MEDIA_IN_USE"
    template = "the picture is shown by products: {uses}"
