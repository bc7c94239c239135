"""The API as a storefront asks it: over HTTP, until there is a definite answer."""

import asyncio
import json
import random
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.chaos.journal import Journal

REQUEST_SECONDS = 4.0
PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.5
"""The pause doubles: what is starting again needs the processor more than those who wait."""
BUSY = frozenset({"UNAVAILABLE", "OVERLOADED", "TIMEOUT"})
"""Top-level codes that mean "send the same again in a moment"."""

PLACE = """
mutation Place($input: OrderPlaceInput!) {
  orderPlace(input: $input) {
    orderToken
    order {
      id status holdExpiresAt
      total { minor }
      dueNow { leg }
      lines { campaignItemId quantity slotNumbers }
    }
    userErrors { __typename code message ... on SlotsSoldOutError { remaining } }
  }
}
"""
PAY = """
mutation Pay($input: PaymentStartInput!) {
  paymentStart(input: $input) {
    payment { id status action { url } }
    userErrors { __typename code message }
  }
}
"""
CANCEL = """
mutation Cancel($input: OrderCancelInput!) {
  orderCancel(input: $input) { order { status } userErrors { __typename code message } }
}
"""
ORDER = """
query Order($id: ID!, $token: String!) {
  order(id: $id, token: $token) { status dueNow { leg } }
}
"""


class OutcomeUnknown(Exception):
    """The connection broke, time ran out, or the service was busy: ask again to know."""


class NeverTold(Exception):
    """Nothing definite came in all the time there was."""


@dataclass(frozen=True, slots=True)
class Told:
    """A definite answer.

    Attributes:
        payload: of the mutation, or the value of the query's one field.
        sent_at: when the request that got it was sent; seconds since 1970.
        attempts: how often it was sent.
    """

    payload: dict[str, Any]
    sent_at: float
    attempts: int

    @property
    def codes(self) -> list[str]:
        """The codes of its user errors; empty for a yes."""
        return [str(error["code"]) for error in self.payload.get("userErrors", [])]


class Storefront:
    """Asks the API; what is neither data, nor a documented error, nor silence is a violation."""

    def __init__(self, session: aiohttp.ClientSession, url: str, journal: Journal) -> None:
        self._session = session
        self._url = f"{url}/graphql"
        self._journal = journal
        self._dice = random.Random(0)
        self.gives_up_at = float("inf")
        """The moment of the monotonic clock after which nobody waits any more."""

    async def ask(self, document: str, **variables: Any) -> Told:
        """Send a document of one field, the same again until the answer is definite.

        Raises:
            NeverTold: it never was.
        """
        attempts = 0
        while True:
            attempts += 1
            sent_at = time.time()
            try:
                return Told(await self.ask_once(document, **variables), sent_at, attempts)
            except OutcomeUnknown as error:
                if time.monotonic() > self.gives_up_at:
                    raise NeverTold(str(error)) from error
            pause_seconds = min(LONGEST_PAUSE_SECONDS, PAUSE_SECONDS * 2 ** min(attempts, 10))
            await asyncio.sleep(self._dice.uniform(0.5, 1.0) * pause_seconds)

    async def ask_once(self, document: str, **variables: Any) -> dict[str, Any]:
        """Send a document of one field once; return the field's value.

        Raises:
            OutcomeUnknown: nobody knows what became of it.
        """
        self._journal.requests += 1
        body = {"query": document, "variables": variables}
        try:
            async with self._session.post(
                self._url, json=body, timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS)
            ) as answer:
                text = await answer.text()
                status, headers = answer.status, answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._journal.counts[f"unknown:{type(error).__name__}"] += 1
            raise OutcomeUnknown(repr(error)) from error
        try:
            return self._read(status, headers.get("Retry-After"), text)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            self._journal.violate("every answer is typed", f"{status} {text[:500]}")
            raise OutcomeUnknown(f"untyped {status}") from error

    def _read(self, status: int, retry_after: str | None, text: str) -> dict[str, Any]:
        """Return the one field's value; KeyError and its like for what the interface is not."""
        answer = _parse(text)
        if not answer.get("errors"):
            if status != 200:
                raise ValueError("data with a failing status")
            (value,) = answer["data"].values()
            if not isinstance(value, dict):
                raise TypeError("the field is null")
            return value
        code = answer["errors"][0]["extensions"]["code"]
        if code not in BUSY or not _says_when(answer, status, retry_after):
            raise ValueError("an error that is not documented")
        self._journal.counts[f"busy:{code}"] += 1
        raise OutcomeUnknown(code)


def _says_when(answer: dict[str, Any], status: int, retry_after: str | None) -> bool:
    """Tell whether a busy answer says when to come back.

    With nothing to show it is a 503 with Retry-After; where the one field may be null by itself it
    is an answer like any other, and the error carries the time.
    """
    if answer.get("data") is None:
        return status == 503 and retry_after is not None
    return status == 200 and answer["errors"][0]["extensions"]["retryAfterSeconds"] > 0


def _parse(text: str) -> dict[str, Any]:
    parsed = json.loads(text)
    if not isinstance(parsed, dict):
        raise TypeError("not an object")
    return parsed
