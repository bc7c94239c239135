"""Pictures as cameras, phones and programs write them, and as somebody hostile does."""

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms

RED, GREEN, BLUE = (220, 30, 30), (30, 180, 60), (40, 60, 220)
GPS = {0x8825: {1: "N", 2: (31.0, 14.0, 0.0), 3: "E", 4: (121.0, 28.0, 0.0)}}
"""Where a picture was taken, as EXIF says it."""


def drawn(width: int = 400, height: int = 300, mode: str = "RGB") -> Image.Image:
    """Return a picture whose left half is red and whose lower right quarter is blue."""
    image = Image.new("RGB", (width, height), GREEN)
    image.paste(RED, (0, 0, width // 2, height))
    image.paste(BLUE, (width // 2, height // 2, width, height))
    return image if mode == "RGB" else image.convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return a picture as a file."""
    written = BytesIO()
    if kind in ("JPEG", "WEBP"):
        options = {"quality": 95, **options}
    image.save(written, kind, **options)
    return written.getvalue()


def jpeg(width: int = 400, height: int = 300, **options: Any) -> bytes:
    """Return a JPEG."""
    return encoded(drawn(width, height), "JPEG", **options)


def png(width: int = 400, height: int = 300, **options: Any) -> bytes:
    """Return a PNG."""
    return encoded(drawn(width, height), "PNG", **options)


def photo(*, orientation: int = 1, width: int = 400, height: int = 300) -> bytes:
    """Return a phone's JPEG: it says where it was taken, by what, and how it was held."""
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera Works"
    exif[0x0112] = orientation
    for tag, values in GPS.items():
        exif.get_ifd(tag).update(values)
    return encoded(drawn(width, height), "JPEG", exif=exif, comment=b"made by somebody")


def animated(kind: str = "GIF") -> bytes:
    """Return a picture of two frames."""
    frames = [drawn(60, 40), Image.new("RGB", (60, 40), BLUE)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, loop=0)


def with_profile(kind: str = "JPEG") -> bytes:
    """Return a picture whose colours are those of another space than the web's."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    return encoded(drawn(), kind, icc_profile=lab.tobytes())


def png_bomb(width: int = 40_000, height: int = 40_000) -> bytes:
    """Return a PNG of a few kilobytes that announces and holds gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\x00" * 1_000_000, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def png_with_text_bomb() -> bytes:
    """Return a small PNG with a comment that unpacks to 200 MB."""
    packed = zlib.compressobj(9)
    data = b"Comment\x00\x00" + b"".join(packed.compress(b"a" * 1_000_000) for _ in range(200))
    data += packed.flush()
    kind = b"zTXt"
    bomb = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    whole = png(40, 30)
    # Behind the header, where a comment may stand: 8 bytes of signature, 25 of IHDR.
    return whole[:33] + bomb + whole[33:]


SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">'
    b"<script>alert(1)</script></svg>"
)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(%pipe%id) (r) file\n"
HTML = b"<html><script>alert(document.cookie)</script></html>"
