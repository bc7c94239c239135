"""HTTP caching of queries sent by GET: ``Cache-Control`` from a hint, ``ETag`` from the body."""

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol

from schema.transport.head import Head


class CacheHintLike(Protocol):
    """What the transport reads from ``context.cache_hint``."""

    @property
    def max_age_seconds(self) -> int: ...

    @property
    def public(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class CacheHint:
    """How long an answer may be reused, set by resolvers as ``context.cache_hint``.

    Attributes:
        max_age_seconds: 0 means: ask again with the ``ETag`` every time.
        public: The same for everybody, so a shared cache may keep it. Not public and 0 means:
            keep it nowhere.
    """

    max_age_seconds: int
    public: bool = True

    def narrowed_by(self, other: "CacheHint | None") -> "CacheHint":
        """The hint for an answer that contains both parts: the shorter and the more private."""
        if other is None:
            return self
        return CacheHint(
            max_age_seconds=min(self.max_age_seconds, other.max_age_seconds),
            public=self.public and other.public,
        )


def find_cache_hint(context: Any) -> CacheHintLike | None:
    """The hint in an object's attribute or a mapping's key ``cache_hint``."""
    if isinstance(context, dict):
        return context.get("cache_hint")
    return getattr(context, "cache_hint", None)


def cache_control(head: Head, hint: CacheHintLike | None, *, failed: bool) -> str:
    """Value of ``Cache-Control``: by the hint for a GET without errors; errors and POST are not
    stored. An answer to somebody who identified himself is never public, whatever the hint."""
    if not head.is_get or failed:
        return "no-store"
    if hint is not None and not hint.public and hint.max_age_seconds <= 0:
        return "private, no-store"
    if hint is None or hint.max_age_seconds <= 0:
        return "no-cache"
    scope = "public" if hint.public and not head.identifies else "private"
    return f"{scope}, max-age={hint.max_age_seconds}"


def entity_tag(body: bytes) -> str:
    """Strong entity tag of an encoded body."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def is_unchanged(head: Head, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag; weak tags match, as RFC 9110 has it."""
    header = head.get(b"if-none-match")
    if header is None:
        return False
    if header == tag:
        return True
    candidates = [candidate.strip().removeprefix("W/") for candidate in header.split(",")]
    return "*" in candidates or tag in candidates
