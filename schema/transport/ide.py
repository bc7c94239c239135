"""The query editor's page, and the policy under which it runs and nothing else does."""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from strawberry.http.ides import GraphQL_IDE, get_graphql_ide_html

_SCRIPT = re.compile(r"<script([^>]*)>(.*?)</script>", re.DOTALL)
_LINK = re.compile(r"<link([^>]*)>", re.DOTALL)
_ADDRESS = re.compile(r'\s(?:src|href)="(https://[^"\s;,]+)"')
_COOKIES = re.compile(r'<script\s[^>]*/js\.cookie\.min\.js"[^>]*></script>\s*')
_CSRF = re.compile(
    r'const csrfToken = Cookies\.get\("csrftoken"\);\s*if \(csrfToken\) \{[^}]*\}\s*'
)


@dataclass(frozen=True, slots=True)
class EditorPage:
    """A page with the policy made for it."""

    html: str
    policy: str


def editor_page(ide: GraphQL_IDE) -> EditorPage:
    """Return the editor's page.

    Its own script is let in by its hash and each file it loads by its whole address (the page
    also names their hashes), so what somebody else would bring into the page runs nowhere. Styles
    may be inline: the editor makes them while it runs.
    """
    html = _without_cookies(get_graphql_ide_html(graphql_ide=ide))
    scripts = [
        *(_hash_of(text) for _, text in _SCRIPT.findall(html) if text.strip()),
        *_addresses(html, "script"),
    ]
    styles = ["'unsafe-inline'", *_addresses(html, "link")]
    policy = (
        "default-src 'none'",
        f"script-src {' '.join(scripts)}",
        f"style-src {' '.join(styles)}",
        "img-src 'self' data:",
        "font-src data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return EditorPage(html, "; ".join(policy))


def _without_cookies(html: str) -> str:
    """Leave out the script that reads a framework's cookie against forgery: there is none here."""
    without, changed = _CSRF.subn("", html)
    return _COOKIES.sub("", without) if changed else html


def _addresses(html: str, tag: Literal["script", "link"]) -> list[str]:
    tags = [found[0] for found in _SCRIPT.findall(html)] if tag == "script" else _LINK.findall(html)
    return [found.group(1) for text in tags if (found := _ADDRESS.search(text))]


def _hash_of(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
