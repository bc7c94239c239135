"""Texts of documents by their hash, shared by all processes through Redis.

Anybody can have one kept, so they end after a day, and there is room for so many of such a size
and no more: 2,000 texts of at most 16 KB are 32 MB. A longer text stays with the process that was
told it, and others ask the client for it.
"""

from headless_presale.documents.trusted import find_text
from headless_presale.kernel import clock
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.redis import LuaScript, answering_redis
from headless_presale.kernel.unit_of_work import DATABASE_DOWN

MAX_TEXTS = 2_000
MAX_TEXT_BYTES = 16_000
TTL_MS = 24 * 3_600 * 1_000

TEXTS_KEY = "documents:texts"
TEXT_KEY_PREFIX = "documents:text:"

_keep = LuaScript("headless_presale.documents.scripts", "keep")


class SharedTexts:
    """Keeps texts in Redis, and knows besides what shops have registered. Where neither answers it
    knows nothing, and nobody is refused for it."""

    def __init__(self, *, max_texts: int = MAX_TEXTS) -> None:
        self._max_texts = max_texts

    async def find(self, digest: str) -> str | None:
        """Return the text of a hash, or None."""
        try:
            async with answering_redis() as client:
                text = await client.get(TEXT_KEY_PREFIX + digest)
        except Unavailable:
            text = None
        # The process's client decodes: it gives no bytes.
        return text if isinstance(text, str) else await self._find_registered(digest)

    async def _find_registered(self, digest: str) -> str | None:
        try:
            return await find_text(digest)
        except (Unavailable, *DATABASE_DOWN):
            return None

    async def keep(self, digest: str, text: str) -> None:
        """Keep a text for a day, unless it is too long."""
        if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
            return
        now_ms = int(clock.now().timestamp() * 1_000)
        try:
            await _keep([TEXTS_KEY], [digest, text, now_ms, TTL_MS, self._max_texts])
        except Unavailable:
            return
