"""Manifests of registered operations, as the tools of clients write them.

Two shapes are read: one object of identifier and text (``client-preset`` of GraphQL Code Generator,
Relay), and ``{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [...]}`` of
Apollo's tools. Whatever a tool calls a document, here it is the SHA-256 of its text.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from headless_presale.documents.errors import ManifestUnreadable
from headless_presale.kernel.texts import is_storable

APOLLO_FORMAT = "apollo-persisted-query-manifest"
MAX_TEXT_LENGTH = 50_000
MAX_NAME_LENGTH = 120

_SHA_256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_OPERATION_NAME = re.compile(
    r"\b(?:query|mutation|subscription)\s+([_a-z]\w*)", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ManifestDocument:
    """One document of a manifest; ``name`` is its first operation's, or empty."""

    digest: str
    name: str
    text: str


def read_manifest(raw: bytes) -> list[ManifestDocument]:
    """Return the documents of a manifest, each once, in its order.

    Raises:
        ManifestUnreadable: it is none, or an identifier that is a SHA-256 is not that of its text.
    """
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        raise ManifestUnreadable("a manifest is a JSON file") from None
    if not isinstance(said, dict):
        raise ManifestUnreadable("a manifest is a JSON object")
    found: dict[str, ManifestDocument] = {}
    for identifier, text in _entries(said):
        document = _read_document(identifier, text)
        found.setdefault(document.digest, document)
    if not found:
        raise ManifestUnreadable("the manifest names no operation")
    return list(found.values())


def _entries(said: dict[str, Any]) -> Iterable[tuple[object, object]]:
    if "format" not in said or not isinstance(said.get("operations"), list):
        return said.items()
    if said["format"] != APOLLO_FORMAT or said.get("version") != 1:
        raise ManifestUnreadable(f"the format is not {APOLLO_FORMAT}, version 1")
    return _apollo_entries(said["operations"])


def _apollo_entries(operations: list[Any]) -> Iterator[tuple[object, object]]:
    for operation in operations:
        if not isinstance(operation, dict):
            raise ManifestUnreadable("an operation of the manifest is no object")
        yield operation.get("id"), operation.get("body")


def _read_document(identifier: object, text: object) -> ManifestDocument:
    if not isinstance(identifier, str) or not isinstance(text, str):
        raise ManifestUnreadable("each operation of a manifest has an identifier and a text")
    if not text.strip() or len(text) > MAX_TEXT_LENGTH or not is_storable(text):
        raise ManifestUnreadable(
            f"{identifier[:80]}: a text has 1 to {MAX_TEXT_LENGTH:,} characters, none of them NUL"
        )
    digest = hashlib.sha256(text.encode()).hexdigest()
    if _SHA_256.fullmatch(identifier) and identifier != digest:
        raise ManifestUnreadable(f"{identifier}: not the hash of its text, which is {digest}")
    named = _OPERATION_NAME.search(text)
    return ManifestDocument(digest, named[1][:MAX_NAME_LENGTH] if named else "", text)
