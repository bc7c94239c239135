"""Manifests of the tools that clients are built with."""

import hashlib
import json
from typing import Any

import pytest

from headless_presale.documents import ManifestDocument, ManifestUnreadable, read_manifest

SHOP = "query Shop { shop { id } }"
PLAIN = "{ serverTime }"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def apollo(*operations: object, **changes: object) -> dict[str, Any]:
    form = {"format": "apollo-persisted-query-manifest", "version": 1}
    return {**form, "operations": list(operations), **changes}


BOTH = [ManifestDocument(sha256(SHOP), "Shop", SHOP), ManifestDocument(sha256(PLAIN), "", PLAIN)]


@pytest.mark.parametrize(
    "said",
    [
        # GraphQL Code Generator's client-preset, by either algorithm; Relay, by MD5.
        {sha256(SHOP): SHOP, sha256(PLAIN): PLAIN},
        {sha1(SHOP): SHOP, sha1(PLAIN): PLAIN},
        {"0f" * 16: SHOP, "1f" * 16: PLAIN},
        apollo(
            {"id": sha256(SHOP), "name": "Shop", "type": "query", "body": SHOP},
            {"id": sha256(PLAIN), "name": "", "type": "query", "body": PLAIN},
        ),
        # The same text under two names is one document.
        {sha1(SHOP): SHOP, sha256(SHOP): SHOP, "plain": PLAIN},
    ],
    ids=["codegen", "codegen sha1", "relay", "apollo", "twice"],
)
def test_a_manifest_is_read(said: object) -> None:
    assert read_manifest(json.dumps(said).encode()) == BOTH


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "JSON file"),
        (b"{", "JSON file"),
        (b"\xff\xfe", "JSON file"),
        (b"[" * 100_000, "JSON file"),
        (b"[]", "JSON object"),
        (b"{}", "names no operation"),
        (json.dumps(apollo()).encode(), "names no operation"),
        (json.dumps({"a": 1}).encode(), "an identifier and a text"),
        (json.dumps({"a": "x\x00"}).encode(), "NUL"),
        (json.dumps({"a": "x" * 50_001}).encode(), "1 to 50,000"),
        (json.dumps({sha256(PLAIN): SHOP}).encode(), "not the hash of its text"),
        (
            json.dumps(apollo({"id": sha256(PLAIN), "body": SHOP})).encode(),
            "not the hash of its text",
        ),
        (json.dumps(apollo({"body": SHOP})).encode(), "an identifier and a text"),
        (json.dumps(apollo("x")).encode(), "no object"),
        (json.dumps(apollo(version=2)).encode(), "version 1"),
    ],
)
def test_what_is_no_manifest_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(ManifestUnreadable, match=reason):
        read_manifest(raw)
