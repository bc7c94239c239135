"""Proof that somebody is no robot, asked of callers who do much of what robots are after.

Who solves puzzles and judges them is a provider: Turnstile, hCaptcha, reCAPTCHA and others that
answer ``siteverify``. Another kind is installed by :func:`set_challenger`. Its word is asked for
last, and never waited for long: while it does not answer nobody is asked for a proof, for limits
hold without it, and a drop must not end because a provider has a bad day.
"""

import hashlib
import time
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import structlog

from headless_presale.kernel import metrics
from headless_presale.kernel.errors import PresaleError, Unavailable
from headless_presale.kernel.later import later
from headless_presale.rate_limits import Tally
from headless_presale.refusal_texts import TEXTS

if TYPE_CHECKING:
    import httpx
else:
    httpx = later("httpx")

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 3.0
REMEMBERED_SECONDS = 600
"""So long a response is known to be used; providers let none of them live longer than five minutes.
"""
LOOK_AGAIN_SECONDS = 10.0
"""So long counts what was found out about the provider being there."""
MAX_RESPONSE_CHARACTERS = 4_096
OUR_FAULTS = frozenset({"missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch"})
"""Error codes that say nothing of the caller."""


class ChallengeRequired(PresaleError):
    """The caller has shown no proof, or none that counts; nothing was done."""

    public: ClassVar[bool] = True
    code: ClassVar[str] = "CHALLENGE_REQUIRED"
    http_status: ClassVar[int] = 403

    def __init__(self, site_key: str | None) -> None:
        super().__init__(TEXTS[self.code]["en"])
        self.details = {"siteKey": site_key}


class Challenger(Protocol):
    """Whoever judges proofs.

    Attributes:
        site_key: what a page needs to show the challenge; None where it needs nothing.
    """

    site_key: str | None

    async def is_solved(self, response: str, *, address: str) -> bool:
        """Tell whether a response of a caller at an address is a proof.

        Raises:
            Unavailable: nobody can tell at the moment.
        """

    async def is_there(self) -> bool:
        """Tell whether it answers: else nobody could solve anything."""

    async def close(self) -> None:
        """Give back what is open."""


class SiteVerify:
    """Asks a provider that speaks the ``siteverify`` format.

    Args:
        url: where it is asked, such as https://challenges.cloudflare.com/turnstile/v0/siteverify.
    """

    def __init__(self, *, url: str, secret: str, site_key: str | None) -> None:
        self.site_key = site_key
        self._url = url
        self._secret = secret
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)

    async def is_solved(self, response: str, *, address: str) -> bool:
        """See Challenger."""
        form = {"secret": self._secret, "response": response}
        if address:
            form["remoteip"] = address
        try:
            answer = await self._client.post(self._url, data=form)
            verdict: Any = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("challenges.provider_away", error=type(error).__name__)
            raise Unavailable("challenge") from error
        if not isinstance(verdict, dict) or not isinstance(verdict.get("success"), bool):
            log.warning("challenges.provider_away", error="an answer of another shape")
            raise Unavailable("challenge")
        codes = verdict.get("error-codes")
        if isinstance(codes, list) and OUR_FAULTS.intersection(map(str, codes)):
            log.error("challenges.secret_refused")
            raise Unavailable("challenge")
        return bool(verdict["success"])

    async def is_there(self) -> bool:
        """See Challenger."""
        try:
            await self.is_solved("", address="")
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """See Challenger."""
        await self._client.aclose()


_challenger: Challenger | None = None
_used = Tally()
_was_there = True
_looked_at: float | None = None


def set_challenger(challenger: Challenger | None) -> None:
    """Install who judges proofs; None asks nobody for any."""
    global _challenger, _looked_at
    _challenger, _looked_at = challenger, None


async def close_challenger() -> None:
    """Take out and close who judges proofs."""
    challenger = _challenger
    set_challenger(None)
    if challenger is not None:
        await challenger.close()


async def require_proof(response: str | None, *, address: str) -> None:
    """Let a caller pass who shows a proof, once for each; anybody while nobody can judge them.

    Raises:
        ChallengeRequired: the response is missing, wrong or was used before.
    """
    challenger = _challenger
    if challenger is None:
        return
    if not response:
        if await _is_there(challenger):
            _note("required")
            raise ChallengeRequired(challenger.site_key)
        _note("provider_away")
        return
    if len(response) > MAX_RESPONSE_CHARACTERS or await _was_used(response):
        _note("refused")
        raise ChallengeRequired(challenger.site_key)
    try:
        is_solved = await challenger.is_solved(response, address=address)
    except Unavailable:
        # Of this response, perhaps, and of no other: whoever finds such a one is let in by it only
        # if it does not answer us either.
        if not await _is_there(challenger, again=_was_there):
            _note("provider_away")
            return
        is_solved = False
    _note("solved" if is_solved else "refused")
    if not is_solved:
        raise ChallengeRequired(challenger.site_key)


async def _was_used(response: str) -> bool:
    """Tell whether a response came before; from now on it has."""
    digest = hashlib.sha256(response.encode(errors="replace")).hexdigest()
    return await _used.add(f"challenge:{digest}", 1, seconds=REMEMBERED_SECONDS) > 1


async def _is_there(challenger: Challenger, *, again: bool = False) -> bool:
    global _was_there, _looked_at
    is_known = _looked_at is not None and time.monotonic() - _looked_at < LOOK_AGAIN_SECONDS
    if again or not is_known:
        # Others meanwhile go by what was known before.
        _looked_at = time.monotonic()
        _was_there = await challenger.is_there()
    return _was_there


def _note(outcome: str) -> None:
    metrics.CHALLENGES.labels(outcome).inc()
