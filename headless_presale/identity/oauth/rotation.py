"""Refresh tokens: each is used once, then its successor counts; whoever comes second is a thief.

One rule for everybody who holds refresh tokens: applications of merchants, and buyers' browsers.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import hash_secret
from headless_presale.kernel.unit_of_work import UnitOfWork

REFRESH_LIFETIME = timedelta(days=14)
"""A refresh token that is not used for so long ends."""
LOST_ANSWER_GRACE = timedelta(seconds=30)
"""For so long a used refresh token counts once more, if nobody has used what it was given for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The tables that grants and their refresh tokens of one kind are kept in."""

    grants: str
    tokens: str


APPLICATIONS = Family(grants="oauth_grant", tokens="oauth_refresh_token")


class RefreshToken(Protocol):
    """A refresh token as it is stored."""

    token_hash: str
    grant_id: UUID
    parent_hash: str | None


class Use(Enum):
    """What came of showing a refresh token."""

    GOOD = "good"
    """It may be given a successor."""
    ENDED = "ended"
    """Its grant stands no more."""
    REPLAYED = "replayed"
    """It was used before: its grant has to be revoked."""


async def use_refresh_token(work: UnitOfWork, family: Family, token: RefreshToken) -> Use:
    """Use a refresh token up; whether it is too old is for the caller to say."""
    # The requests of a family take their turns, so that each sees what the one before has done.
    stands = await work.fetchrow(
        f"SELECT 1 FROM {family.grants} WHERE id = $1 AND revoked_at IS NULL FOR NO KEY UPDATE",
        token.grant_id,
    )
    if stands is None:
        return Use.ENDED
    is_first = await _claim_refresh_token(work, family, token)
    reach("oauth.refresh_token_used")
    if is_first:
        await _replace_siblings(work, family, token)
        reach("oauth.refresh_tokens_replaced")
    elif not await _was_answer_lost(work, family, token):
        return Use.REPLAYED
    return Use.GOOD


async def make_refresh_token(
    work: UnitOfWork, family: Family, grant_id: UUID, *, grant_ends_at: datetime, parent: str | None
) -> str:
    """Write a refresh token of a grant and return it; ``parent`` is the hash of what it follows."""
    token = secrets.token_urlsafe(32)
    at = clock.now()
    await work.execute(
        f"INSERT INTO {family.tokens} (token_hash, grant_id, parent_hash, created_at, "
        "expires_at) VALUES ($1, $2, $3, $4, $5)",
        hash_secret(token),
        grant_id,
        parent,
        at,
        min(at + REFRESH_LIFETIME, grant_ends_at),
    )
    reach("oauth.refresh_token_made")
    return token


async def _claim_refresh_token(work: UnitOfWork, family: Family, token: RefreshToken) -> bool:
    """Use a refresh token up; False if it was used before, or replaced."""
    return bool(
        await work.execute(
            f"UPDATE {family.tokens} SET used_at = $2 "
            "WHERE token_hash = $1 AND used_at IS NULL AND replaced_at IS NULL",
            token.token_hash,
            clock.now(),
        )
    )


async def _replace_siblings(work: UnitOfWork, family: Family, token: RefreshToken) -> None:
    """End what else its parent was exchanged for: of several answers, this one has arrived."""
    if token.parent_hash is not None:
        await work.execute(
            f"UPDATE {family.tokens} SET replaced_at = $3 WHERE parent_hash = $1 "
            "AND token_hash <> $2 AND used_at IS NULL AND replaced_at IS NULL",
            token.parent_hash,
            token.token_hash,
            clock.now(),
        )


async def _was_answer_lost(work: UnitOfWork, family: Family, token: RefreshToken) -> bool:
    """Tell whether a token was used a moment ago, and nobody has used what it was exchanged for.

    The client that asks again has had no answer yet. Had somebody else had it, the one of the two
    that comes second with what it got ends the family.
    """
    found = await work.fetchrow(
        f"SELECT 1 FROM {family.tokens} AS parent WHERE parent.token_hash = $1 "
        "AND parent.used_at >= $2 AND parent.replaced_at IS NULL AND NOT EXISTS ("
        f"SELECT 1 FROM {family.tokens} AS child "
        "WHERE child.parent_hash = parent.token_hash AND child.used_at IS NOT NULL)",
        token.token_hash,
        clock.now() - LOST_ANSWER_GRACE,
    )
    return found is not None
