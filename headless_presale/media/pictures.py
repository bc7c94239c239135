"""A picture, read from bytes that nobody vouches for, and made anew in our sizes.

Nothing of the file that was sent is ever stored or served: it is decoded, turned upright, brought
to sRGB, resized and encoded again. What hides in it (positions, names of cameras, a second file
behind the first) ends here. Blocking: runs in a thread of the workshop.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageCms, UnidentifiedImageError

from headless_presale.media.errors import (
    MediaAnimated,
    MediaDamaged,
    MediaNotPicture,
    MediaTooManyPixels,
)
from headless_presale.media.rules import (
    EDGES,
    FALLBACK_EDGE,
    JPEG,
    WEBP,
    StoredSize,
    edges_for,
    file_name,
    fitted,
)

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF")
"""What is taken. Formats that are programs (SVG, PostScript, WMF) are none of them."""
MAX_MEGAPIXELS = 50
MAX_EDGE_PIXELS = 30_000
MAX_PROFILE_BYTES = 1_000_000

# What Pillow's decoders raise on bytes that are not what they seem.
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    RuntimeError,
    struct.error,
    zlib.error,
)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by the orientation that its EXIF names."""
_LYING = frozenset({5, 6, 7, 8})
"""Orientations in which width and height change places."""
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One size, encoded."""

    size: StoredSize
    content: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """What a file showed: its own type and upright size, and the files made of it."""

    mime: str
    width: int
    height: int
    files: tuple[PictureFile, ...]


def read_picture(file: BinaryIO) -> Picture:
    """Read a picture and make all of its sizes.

    Raises:
        MediaNotPicture: the content is of no format that is taken.
        MediaTooManyPixels: told by its header, before anything is decoded.
        MediaAnimated: it has more than one frame.
        MediaDamaged: it cannot be read to its end.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            _check_size(*image.size)
            # A phone's JPEG may carry a second view behind the first; it is one picture.
            if image.format != "MPO" and getattr(image, "is_animated", False):
                raise MediaAnimated()
            mime = JPEG if image.format == "MPO" else str(image.get_format_mimetype())
            orientation = _orientation_of(image)
            width, height = image.size
            if orientation in _LYING:
                width, height = height, width
            # A large JPEG is decoded at half or a quarter of its size: as good, for less memory.
            image.draft(image.mode, (EDGES[-1], EDGES[-1]))
            image.load()
            upright = _upright(_drawable(image), orientation)
            files = tuple(_files(upright, image.info.get("icc_profile"), width, height))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise MediaNotPicture() from None
    except DAMAGED:
        raise MediaDamaged() from None
    return Picture(mime, width, height, files)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_MEGAPIXELS * 1_000_000 or max(width, height) > MAX_EDGE_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> MediaTooManyPixels:
    return MediaTooManyPixels(limit_megapixels=MAX_MEGAPIXELS)


def _orientation_of(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except DAMAGED:
        # What a camera says of itself may be damaged where the picture is not.
        return 1


def _drawable(image: Image.Image) -> Image.Image:
    """Return a decoded picture, no larger than our largest size, in a mode that can be resized."""
    if image.mode.startswith("I") or image.mode == "F":
        # 16 bits of grey; a plain conversion would cut everything above 255 off.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode == "1":
        image = image.convert("L")
    fit = fitted(*image.size, EDGES[-1])
    if fit == image.size:
        return image
    return image.resize(fit, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _files(
    image: Image.Image, profile: bytes | None, width: int, height: int
) -> Iterator[PictureFile]:
    """Yield every size, the smallest last: each is made of the one before."""
    image = _to_srgb(image, profile)
    for edge in reversed(edges_for(width, height)):
        fit = fitted(width, height, edge)
        if fit != image.size:
            image = image.resize(fit, Image.Resampling.LANCZOS, reducing_gap=3.0)
        yield _encoded(image, edge, WEBP)
        if edge == min(FALLBACK_EDGE, edges_for(width, height)[-1]):
            yield _encoded(_without_alpha(image), edge, JPEG)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in the colours of the web, as RGB or RGBA and with nothing attached."""
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    converted: Image.Image | None = None
    if profile and len(profile) <= MAX_PROFILE_BYTES:
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode=mode,
            )
        except (ImageCms.PyCMSError, *DAMAGED):
            # A profile that cannot be read, or of another kind of colours: as if there were none.
            converted = None
    image = converted if converted is not None else image.convert(mode)
    if mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info = {}
    return image


def _without_alpha(image: Image.Image) -> Image.Image:
    """Return the picture on white: JPEG knows no transparency."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _encoded(image: Image.Image, edge: int, mime: str) -> PictureFile:
    written = BytesIO()
    if mime == WEBP:
        image.save(written, "WEBP", quality=82, method=4)
    else:
        image.save(written, "JPEG", quality=82, optimize=True, progressive=True)
    content = written.getvalue()
    name = file_name(edge, mime)
    return PictureFile(StoredSize(name, *image.size, mime, len(content)), content)
