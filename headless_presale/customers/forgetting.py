"""What has ended is deleted: codes and refresh tokens are written with every visit."""

from headless_presale.identity.oauth.forgetting import KEPT_FOR
from headless_presale.kernel import clock
from headless_presale.kernel.batches import in_batches
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

AT_ONCE = 2_000


async def forget_ended() -> int:
    """Delete codes and refresh tokens that expired, and sign-ins that ended long ago.

    In small transactions, so that nobody waits for it. Returns how many rows are gone.
    """
    return await in_batches(
        _forget_codes, _forget_flows, _forget_tokens, _forget_grants, size=AT_ONCE
    )


@shielded
async def _forget_codes() -> int:
    async with unit_of_work() as work:
        return await work.execute(
            "WITH expired AS MATERIALIZED (SELECT id FROM customer_code WHERE expires_at <= $1 "
            "LIMIT $2 FOR UPDATE SKIP LOCKED) "
            "DELETE FROM customer_code AS code USING expired WHERE code.id = expired.id",
            clock.now(),
            AT_ONCE,
        )


@shielded
async def _forget_flows() -> int:
    async with unit_of_work() as work:
        return await work.execute(
            "WITH expired AS MATERIALIZED (SELECT state_hash FROM customer_sign_in_flow "
            "WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED) "
            "DELETE FROM customer_sign_in_flow AS flow USING expired "
            "WHERE flow.state_hash = expired.state_hash",
            clock.now(),
            AT_ONCE,
        )


@shielded
async def _forget_tokens() -> int:
    async with unit_of_work() as work:
        return await work.execute(
            "WITH expired AS MATERIALIZED (SELECT token_hash FROM customer_refresh_token "
            "WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED) "
            "DELETE FROM customer_refresh_token AS token USING expired "
            "WHERE token.token_hash = expired.token_hash",
            clock.now(),
            AT_ONCE,
        )


@shielded
async def _forget_grants() -> int:
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT id FROM customer_grant WHERE expires_at <= $1 OR revoked_at <= $1 "
            "LIMIT $2 FOR UPDATE SKIP LOCKED",
            clock.now() - KEPT_FOR,
            AT_ONCE,
        )
        ids = [row["id"] for row in rows]
        await work.execute(
            "DELETE FROM customer_refresh_token WHERE grant_id = ANY($1::uuid[])", ids
        )
        await work.execute("DELETE FROM customer_grant WHERE id = ANY($1::uuid[])", ids)
        return len(ids)
