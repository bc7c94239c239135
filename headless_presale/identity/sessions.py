"""Browsers that sign in: begun with the first factor, complete with the last one needed.

The cookie holds a random value, the database its hash. The value changes when a session is
completed, so that whoever knew it before knows nothing after (session fixation), and no value that
a browser brings along ever becomes one of ours.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from headless_presale.identity.granting import revoke_grants
from headless_presale.identity.models import SignInSession
from headless_presale.identity.oauth.clients import ADMIN_CLIENT
from headless_presale.kernel import clock
from headless_presale.kernel.ids import hash_secret, new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

PENDING = timedelta(minutes=10)
"""How long somebody may take from the first factor to the last."""
IDLE = timedelta(hours=12)
"""A session that is not used for so long ends."""
ABSOLUTE = timedelta(days=7)
"""However much it is used, it ends then."""
FRESH = timedelta(minutes=10)
"""How long after signing in one may change how one signs in."""
NOTE_EVERY = timedelta(minutes=5)
"""Use is noted no more often than this: a page view is not worth a write."""
MAX_USER_AGENT_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser of an account.

    Attributes:
        authenticated_at: when the last factor needed was shown; None until then.
        factors: what was shown, by the names of RFC 8176: ``pwd``, ``otp``, ``hwk``, ``fed``...
        challenge: of the passkey ceremony under way.
    """

    id: UUID
    account_id: UUID
    authenticated_at: datetime | None
    factors: tuple[str, ...]
    challenge: str | None
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime

    @property
    def is_complete(self) -> bool:
        """Whether every factor that is needed was shown."""
        return self.authenticated_at is not None

    @property
    def is_fresh(self) -> bool:
        """Whether the person was here just now, and not only the browser."""
        return self.authenticated_at is not None and clock.now() <= self.authenticated_at + FRESH


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session and the value for its cookie, which is known only now."""

    session: Session
    cookie_value: str


@shielded
async def start_session(
    account_id: UUID,
    *,
    factors: Sequence[str],
    user_agent: str = "",
    is_complete: bool = False,
    authenticated_at: datetime | None = None,
) -> NewSession:
    """Begin a session after the first factor.

    Args:
        is_complete: whether no further factor is needed.
        authenticated_at: when the person was there, if that was before now.
    """
    async with unit_of_work() as work:
        return await _insert(
            work,
            account_id,
            factors=factors,
            user_agent=user_agent,
            is_complete=is_complete,
            authenticated_at=authenticated_at,
        )


@shielded
async def complete_session(session: Session, *, factor: str) -> NewSession | None:
    """Replace a session that waited for its last factor by one that is complete.

    Returns:
        None if it has ended meanwhile, or was completed already: each is completed once.
    """
    async with unit_of_work() as work:
        ended = await work.execute(
            "UPDATE sign_in_session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL "
            "AND authenticated_at IS NULL AND expires_at > $2",
            session.id,
            clock.now(),
        )
        if not ended:
            return None
        return await _insert(
            work,
            session.account_id,
            factors=(*session.factors, factor),
            user_agent=session.user_agent,
            is_complete=True,
        )


async def find_session(cookie_value: str) -> Session | None:
    """Return the session behind a cookie, complete or not, unless it has ended or expired.

    Its use is noted now and then, which moves its expiry on.
    """
    row = await SignInSession.get_or_none(
        token_hash=hash_secret(cookie_value),
        ended_at=None,
        expires_at__gt=clock.now(),
        account__deactivated_at=None,
    )
    if row is None:
        return None
    if row.authenticated_at is not None and clock.now() >= row.last_seen_at + NOTE_EVERY:
        await _note_use(row)
    return _session(row)


async def list_sessions(account_id: UUID) -> list[Session]:
    """Return where an account is signed in, the last used first."""
    rows = await SignInSession.filter(
        account_id=account_id,
        ended_at=None,
        expires_at__gt=clock.now(),
        authenticated_at__not_isnull=True,
    ).order_by("-last_seen_at", "-id")
    return [_session(row) for row in rows]


@shielded
async def set_challenge(session_id: UUID, challenge: str | None) -> None:
    """Keep the challenge of a passkey ceremony, or drop it."""
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE sign_in_session SET challenge = $2 WHERE id = $1 AND ended_at IS NULL",
            session_id,
            challenge,
        )


@shielded
async def take_challenge(session_id: UUID) -> str | None:
    """Return the challenge of the ceremony under way and forget it: each is answered once."""
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "UPDATE sign_in_session AS kept SET challenge = NULL FROM "
            "(SELECT id, challenge FROM sign_in_session WHERE id = $1 FOR UPDATE) AS before "
            "WHERE kept.id = before.id AND kept.ended_at IS NULL RETURNING before.challenge",
            session_id,
        )
    return row["challenge"] if row is not None else None


@shielded
async def end_session(session_id: UUID) -> None:
    """Sign a browser out, of the admin too. Safe to repeat."""
    async with unit_of_work() as work:
        ended = await _end(work, session_id)
        if ended is not None:
            await revoke_grants(
                work,
                "client_id = $1 AND account_id = $2 AND authenticated_at = $3",
                ADMIN_CLIENT,
                ended["account_id"],
                ended["authenticated_at"],
                reason="signed_out",
            )


@shielded
async def replace_session(before: Session, by: Session) -> None:
    """End the session that a browser had before the one it has now.

    The admin there goes on where the same person has signed in again, and belongs to the new one.
    """
    if before.account_id != by.account_id or not by.is_complete:
        await end_session(before.id)
        return
    async with unit_of_work() as work:
        if await _end(work, before.id) is not None:
            await work.execute(
                "UPDATE oauth_grant SET authenticated_at = $4 WHERE client_id = $1 "
                "AND account_id = $2 AND authenticated_at = $3 AND revoked_at IS NULL",
                ADMIN_CLIENT,
                before.account_id,
                before.authenticated_at,
                by.authenticated_at,
            )


async def _end(work: UnitOfWork, session_id: UUID) -> asyncpg.Record | None:
    return await work.fetchrow(
        "UPDATE sign_in_session SET ended_at = $2, challenge = NULL "
        "WHERE id = $1 AND ended_at IS NULL RETURNING account_id, authenticated_at",
        session_id,
        clock.now(),
    )


@shielded
async def end_sessions_of(account_id: UUID, *, keep: Iterable[UUID] = ()) -> int:
    """Sign an account out everywhere but in the sessions to keep; return in how many browsers.

    Of the admin too, also where a session has ended by itself and its tokens live on: whoever
    changes a password means those. What other applications were allowed stays.
    """
    kept = list(keep)
    async with unit_of_work() as work:
        ended = await work.fetch(
            "UPDATE sign_in_session SET ended_at = $2, challenge = NULL "
            "WHERE account_id = $1 AND ended_at IS NULL AND NOT id = ANY($3::uuid[]) "
            "RETURNING authenticated_at IS NOT NULL AND expires_at > $2 AS was_open",
            account_id,
            clock.now(),
            kept,
        )
        # A grant has the moment of the sign-in that it came of.
        await revoke_grants(
            work,
            "client_id = $1 AND account_id = $2 AND NOT EXISTS (SELECT 1 FROM sign_in_session s "
            "WHERE s.id = ANY($3::uuid[]) AND s.authenticated_at = oauth_grant.authenticated_at)",
            ADMIN_CLIENT,
            account_id,
            kept,
            reason="signed_out",
        )
    return sum(row["was_open"] for row in ended)


async def _insert(
    work: UnitOfWork,
    account_id: UUID,
    *,
    factors: Sequence[str],
    user_agent: str,
    is_complete: bool,
    authenticated_at: datetime | None = None,
) -> NewSession:
    at = clock.now()
    cookie_value = secrets.token_urlsafe(32)
    session = Session(
        id=new_id(),
        account_id=account_id,
        authenticated_at=(authenticated_at or at) if is_complete else None,
        factors=tuple(dict.fromkeys(factors)),
        challenge=None,
        user_agent=user_agent[:MAX_USER_AGENT_LENGTH],
        created_at=at,
        last_seen_at=at,
        expires_at=at + (IDLE if is_complete else PENDING),
    )
    await work.execute(
        "INSERT INTO sign_in_session (id, token_hash, account_id, factors, authenticated_at, "
        "user_agent, created_at, last_seen_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
        session.id,
        hash_secret(cookie_value),
        session.account_id,
        list(session.factors),
        session.authenticated_at,
        session.user_agent,
        at,
        session.expires_at,
    )
    return NewSession(session, cookie_value)


@shielded
async def _note_use(row: SignInSession) -> None:
    at = clock.now()
    row.last_seen_at, row.expires_at = at, min(at + IDLE, row.created_at + ABSOLUTE)
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE sign_in_session SET last_seen_at = $2, expires_at = $3 "
            "WHERE id = $1 AND ended_at IS NULL",
            row.id,
            row.last_seen_at,
            row.expires_at,
        )


def _session(row: SignInSession) -> Session:
    return Session(
        id=row.id,
        account_id=row.account_id,
        authenticated_at=row.authenticated_at,
        factors=tuple(row.factors),
        challenge=row.challenge,
        user_agent=row.user_agent,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
    )
