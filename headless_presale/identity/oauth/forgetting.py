"""What has ended long ago is deleted: refresh tokens are written every ten minutes, for ever."""

from datetime import timedelta

from headless_presale.kernel import clock
from headless_presale.kernel.batches import in_batches
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

KEPT_FOR = timedelta(days=30)
"""A grant that has ended stays for so long, for whoever asks what became of it."""
AT_ONCE = 2_000


async def forget_ended() -> int:
    """Delete grants that ended long ago with all that came of them, and expired refresh tokens.

    A refresh token that comes again after that is one that nobody knows: refused, as before. In
    small transactions, so that nobody waits for it.

    Returns:
        How many grants and refresh tokens are gone.
    """
    return await in_batches(_forget_tokens, _forget_grants, size=AT_ONCE)


# Materialized: in a plain subquery, a plan that looks at it for each token takes others for those
# just deleted, and more than the limit.
_FORGET_TOKENS = """
WITH expired AS MATERIALIZED (
    SELECT token_hash FROM oauth_refresh_token WHERE expires_at <= $1
    LIMIT $2 FOR UPDATE SKIP LOCKED)
DELETE FROM oauth_refresh_token AS token USING expired
WHERE token.token_hash = expired.token_hash
"""


@shielded
async def _forget_tokens() -> int:
    async with unit_of_work() as work:
        return await work.execute(_FORGET_TOKENS, clock.now(), AT_ONCE)


@shielded
async def _forget_grants() -> int:
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT id FROM oauth_grant WHERE expires_at <= $1 OR revoked_at <= $1 "
            "LIMIT $2 FOR UPDATE SKIP LOCKED",
            clock.now() - KEPT_FOR,
            AT_ONCE,
        )
        ids = [row["id"] for row in rows]
        for table, column in (
            ("oauth_refresh_token", "grant_id"),
            ("oauth_code", "grant_id"),
            ("oauth_grant", "id"),
        ):
            await work.execute(f"DELETE FROM {table} WHERE {column} = ANY($1::uuid[])", ids)
        return len(ids)
