"""The sandbox gateway as buyers and bookkeepers reach it: its page, its API, its books."""

import asyncio
import json
import re
from typing import Any

import aiohttp

from tests.chaos.cluster import GATEWAY_KEY
from tests.chaos.journal import Journal

REQUEST_SECONDS = 4.0
PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
PAGE = 100


class Till:
    """Asks the gateway until it answers; everything here may be repeated."""

    def __init__(self, session: aiohttp.ClientSession, url: str, journal: Journal) -> None:
        self._session = session
        self._url = url
        self._journal = journal

    async def pay(self, intent_id: str) -> bool:
        """Pay by the gateway's API; return whether it has the money."""
        path = f"/v1/test_helpers/payment_intents/{intent_id}/pay"
        status, answer = await self._ask("POST", path, key=f"pay-{intent_id}")
        is_paid = status == 200 and answer["status"] == "succeeded"
        if is_paid:
            self._journal.capture(intent_id)
        return is_paid

    async def decline(self, intent_id: str) -> None:
        """Let an attempt fail."""
        path = f"/v1/test_helpers/payment_intents/{intent_id}/fail"
        await self._ask("POST", path, key=f"fail-{intent_id}")

    async def click(self, intent_id: str) -> bool:
        """Press Pay on the hosted page as a browser does; return whether the gateway has it."""
        page = await self._text("GET", f"/pay/{intent_id}")
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        if "token" in fields:
            await self._text("POST", f"/pay/{intent_id}", data={**fields, "action": "pay"})
        status, intent = await self._ask("GET", f"/v1/payment_intents/{intent_id}")
        is_paid = status == 200 and intent["status"] == "succeeded"
        if is_paid:
            self._journal.capture(intent_id)
        return is_paid

    async def set_webhooks(self, **behaviour: Any) -> None:
        """Change how webhooks are delivered."""
        await self._ask("POST", "/v1/test_helpers/webhooks", body=behaviour)

    async def flush(self) -> None:
        """Deliver every webhook that is pending now."""
        await self._ask("POST", "/v1/test_helpers/webhooks/flush", body={})

    async def list_all(self, what: str) -> list[dict[str, Any]]:
        """Return every ``payment_intents`` or ``refunds`` row, oldest first."""
        return await self._pages(what, "starting_after")

    async def pending_webhooks(self) -> int:
        """Return how many events are still to be delivered."""
        events = await self._pages("events", "after")
        return sum(event["delivery"]["status"] == "pending" for event in events)

    async def _pages(self, what: str, cursor: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            after = {cursor: found[-1]["id"]} if found else {}
            query = {"limit": str(PAGE), **after}
            _, page = await self._ask("GET", f"/v1/{what}", query=query)
            found += page["data"]
            if not page["has_more"]:
                return found

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {GATEWAY_KEY}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        status, text = await self._until_answered(
            method, path, headers=headers, json=body, params=query
        )
        return status, json.loads(text)

    async def _text(self, method: str, path: str, data: dict[str, str] | None = None) -> str:
        return (await self._until_answered(method, path, data=data, allow_redirects=False))[1]

    async def _until_answered(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        pause_seconds = PAUSE_SECONDS
        while True:
            try:
                async with self._session.request(
                    method,
                    self._url + path,
                    timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
                    **options,
                ) as answer:
                    if answer.status < 500:
                        return answer.status, await answer.text()
            except (aiohttp.ClientError, TimeoutError, OSError):
                self._journal.counts["gateway_silent"] += 1
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(LONGEST_PAUSE_SECONDS, pause_seconds * 2)
