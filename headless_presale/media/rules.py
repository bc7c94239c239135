"""Which files a picture becomes, and what they are called."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

EDGES = (320, 640, 1280, 2048)
"""A size fits into a square of this many pixels; a picture is never enlarged."""
FALLBACK_EDGE = 1280
"""One more size is a JPEG, for mails and clients that do not read WebP."""

REVISION = 1
"""Of the recipe by which sizes are made. It is part of every file's name, so that an address shows
the same bytes for ever."""

WEBP, JPEG = "image/webp", "image/jpeg"
EXTENSIONS: Mapping[str, str] = {WEBP: "webp", JPEG: "jpg"}

_CONTENT = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"[0-9]{1,4}-[0-9]{1,5}\.(webp|jpg)", re.ASCII)


@dataclass(frozen=True, slots=True)
class StoredSize:
    """One file of a picture: its name within the picture's folder, pixels, type and bytes."""

    name: str
    width: int
    height: int
    mime: str
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read the stored form."""
        return cls(**{name: stored[name] for name in ("name", "width", "height", "mime", "bytes")})


def file_name(edge: int, mime: str) -> str:
    """Return what the file of a size is called: ``1-640.webp``."""
    return f"{REVISION}-{edge}.{EXTENSIONS[mime]}"


def mime_of(name: str) -> str:
    """Return the type of a file of ours by its name."""
    return JPEG if name.endswith(".jpg") else WEBP


def key_of(sha256: str, name: str) -> str:
    """Return where a file lies: in the folder of the picture's content."""
    return f"{sha256}/{name}"


def path_of(sha256: str, name: str) -> str:
    """Return the path at which a file is served."""
    return f"/media/{key_of(sha256, name)}"


def is_file(sha256: str, name: str) -> bool:
    """Tell whether a file of ours could be called so."""
    return _CONTENT.fullmatch(sha256) is not None and _NAME.fullmatch(name) is not None


def content_of(key: str) -> str | None:
    """Return the picture to which a stored file belongs; None for what is not of ours."""
    sha256, _, name = key.partition("/")
    return sha256 if is_file(sha256, name) else None


def fitted(width: int, height: int, edge: int) -> tuple[int, int]:
    """Return the size at which a picture fits into a square, as it is where it does already."""
    longest = max(width, height)
    if longest <= edge:
        return width, height
    return max(1, round(width * edge / longest)), max(1, round(height * edge / longest))


def edges_for(width: int, height: int) -> list[int]:
    """Return the squares that a picture is made to fit: none that shows the same once more."""
    longest = max(width, height)
    enough = next((edge for edge in EDGES if edge >= longest), EDGES[-1])
    return [edge for edge in EDGES if edge <= enough]
