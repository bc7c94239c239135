"""Automatic persisted queries: a client sends the hash of a document in place of its text.

The wire format is Apollo's: ``extensions.persistedQuery = {"version": 1, "sha256Hash": "..."}``.
A hash that nobody here knows is answered ``PERSISTED_QUERY_NOT_FOUND``; the client then sends the
text along with it once. So a query by GET stays short, and shared caches keep it by its address.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from graphql import located_error

from schema.transport.errors import DocumentRefused, RequestError, RequestRefused
from schema.transport.metrics import PERSISTED_QUERIES
from schema.transport.requests import OperationRequest

PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
PERSISTED_QUERY_MISMATCH = "PERSISTED_QUERY_MISMATCH"

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class SharedTexts(Protocol):
    """Where the processes of one deployment share what clients have told one of them.

    Neither method may raise: a store that is away knows nothing and keeps nothing.
    """

    async def find(self, digest: str) -> str | None:
        """Return the text of a hash, or None."""

    async def keep(self, digest: str, text: str) -> None:
        """Keep a text for a while."""


def digest_of(text: str) -> str:
    """Return what names a document: SHA-256 of its text in UTF-8, in lower-case hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_digest(extensions: Mapping[str, Any] | None) -> str | None:
    """Return the hash that a request names its document by; None where it names none.

    Raises:
        RequestRefused: 400, for anything else than version 1 with a SHA-256.
    """
    said = (extensions or {}).get("persistedQuery")
    if said is None:
        return None
    if not isinstance(said, dict) or said.get("version") != 1:
        raise RequestRefused(400, "'persistedQuery' has to be an object of version 1.")
    digest = said.get("sha256Hash")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise RequestRefused(400, "'sha256Hash' has to be a SHA-256 in lower-case hex.")
    return digest


class PersistedTexts:
    """What clients have told this process, least recently used first out.

    Args:
        memory_bytes: of text to keep at most.
        shared: asked for what this process does not know, and told what it learns.
    """

    def __init__(self, *, memory_bytes: int, shared: SharedTexts | None = None) -> None:
        self._capacity_bytes = memory_bytes
        self._shared = shared
        self._texts: OrderedDict[str, str] = OrderedDict()
        self.memory_bytes = 0

    def __len__(self) -> int:
        return len(self._texts)

    async def resolve(self, request: OperationRequest) -> OperationRequest:
        """Return the request with the text of its document in it.

        Raises:
            DocumentRefused: ``PERSISTED_QUERY_NOT_FOUND``: send the text as well; or
                ``PERSISTED_QUERY_MISMATCH``: the text has another hash.
        """
        digest = request.digest
        if digest is None:
            return request
        if request.query:
            if self._texts.get(digest) != request.query and digest_of(request.query) != digest:
                PERSISTED_QUERIES.labels("mismatch").inc()
                raise _refused(PERSISTED_QUERY_MISMATCH, "The hash is not that of the query.", 400)
            return request
        text = await self._find(digest)
        if text is None:
            PERSISTED_QUERIES.labels("unknown").inc()
            # Message, code and status are what Apollo's clients look for.
            raise _refused(PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound", 200)
        return replace(request, query=text)

    async def learn(self, request: OperationRequest) -> None:
        """Keep the text of a resolved request whose document may run. Others are never kept: a
        store that anybody can write to should hold nothing but what it is for."""
        digest = request.digest
        if digest is None or digest in self._texts:
            return
        self._remember(digest, request.query)
        if self._shared is not None:
            await self._shared.keep(digest, request.query)

    def note_use(self, digest: str | None) -> None:
        """Count a request by its hash alone, whose text was not needed; it is not forgotten."""
        if digest is not None and digest in self._texts:
            self._texts.move_to_end(digest)
        PERSISTED_QUERIES.labels("known").inc()

    async def _find(self, digest: str) -> str | None:
        text = self._texts.get(digest)
        if text is not None:
            self._texts.move_to_end(digest)
            PERSISTED_QUERIES.labels("known").inc()
            return text
        if self._shared is None:
            return None
        text = await self._shared.find(digest)
        if text is None or digest_of(text) != digest:
            return None
        PERSISTED_QUERIES.labels("shared").inc()
        self._remember(digest, text)
        return text

    def _remember(self, digest: str, text: str) -> None:
        self._texts[digest] = text
        self.memory_bytes += _weight(text)
        while self.memory_bytes > self._capacity_bytes:
            _, evicted = self._texts.popitem(last=False)
            self.memory_bytes -= _weight(evicted)


def _weight(text: str) -> int:
    # Its characters at their widest, its hash and a place in the table.
    return len(text) * 4 + 300


def _refused(code: str, message: str, http_status: int) -> DocumentRefused:
    error = RequestError(code, message, http_status=http_status)
    return DocumentRefused([located_error(error)])
