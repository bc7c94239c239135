"""Catalogue rules: pure, values in and values out."""

import re
from urllib.parse import urlsplit

import nh3

MAX_TEXT_LENGTH = 255
"""Characters of a title, vendor, type, SKU, option name or option value."""
MAX_ALT_LENGTH = 512
MAX_DESCRIPTION_LENGTH = 131_072
MAX_URL_BYTES = 2_048
MAX_OPTION_VALUES_BYTES = 2_000
"""UTF-8 bytes of a variant's option values together: a unique index holds 2,700 a row."""
MAX_TAGS = 250

OPTION_VALUE_PREFIX = "value:"
"""``ProductOption.translations`` holds ``name`` and, under this prefix, each value's text."""

MAX_OPTIONS = 3
MAX_VARIANTS = 250
MAX_MEDIA = 250
MAX_AT_ONCE = 100
"""Products, or prices, that one request changes together."""

_WORD = re.compile(r"[^\W_]+")
_HANDLE = re.compile(r"[^\s/?#%\\\x00-\x1f\x7f\ud800-\udfff]{1,255}")

# Layout, lists, tables, pictures and links, as ammonia allows them by default: no scripts, styles,
# frames, forms or event handlers. Links carry rel="noopener noreferrer".
_CLEANER = nh3.Cleaner(url_schemes={"http", "https", "mailto", "tel"})


def is_handle(text: str) -> bool:
    """Tell whether ``text`` can be a product's address within its shop, in any script."""
    return _HANDLE.fullmatch(text) is not None


def is_web_address(text: str) -> bool:
    """Tell whether ``text`` is an absolute http or https address.

    Raises:
        ValueError: it is no address of any kind; the message says why.
    """
    parts = urlsplit(text)
    _ = parts.port
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def handle_of(title: str) -> str:
    """Return an address made of a title: ``Nebula Fox (large)`` is ``nebula-fox-large``.

    Letters and digits of any script stay; empty where there is none.
    """
    return "-".join(_WORD.findall(title.lower()))[:MAX_TEXT_LENGTH].strip("-")


def sanitise_html(html: str) -> str:
    """Return the harmless part of a merchant's HTML; equal input gives equal output.

    Scripts and styles go with their content; event handlers, inline styles and addresses other
    than http, https, mailto, tel and relative ones go alone; text, lists, tables, pictures and
    links stay.
    """
    return _CLEANER.clean(html).strip()
