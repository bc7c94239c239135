"""Giving permissions: nobody gives what he does not have."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from headless_presale.identity.errors import ScopesExceeded
from headless_presale.identity.scopes import Scope, scope_text
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.unit_of_work import UnitOfWork


def refuse_excess(
    wanted: Iterable[Scope], *, own: frozenset[Scope], field: tuple[str, ...]
) -> None:
    """Raise ScopesExceeded where somebody would give more than he has."""
    if excess := frozenset(wanted) - own:
        raise ScopesExceeded(scopes=scope_text(excess), field=field)


async def checked_shops(
    work: UnitOfWork, merchant_id: UUID, shop_ids: Sequence[UUID] | None
) -> list[UUID] | None:
    """Return the shops in order, each once; None means all of them.

    Raises:
        InvalidInput: none is named, or one does not belong to the merchant.
    """
    if shop_ids is None:
        return None
    wanted = sorted(set(shop_ids))
    rows = await work.fetch(
        "SELECT id FROM shop WHERE merchant_id = $1 AND id = ANY($2::uuid[])", merchant_id, wanted
    )
    if not wanted or len(rows) != len(wanted):
        raise InvalidInput(
            reason="name shops of this merchant, or leave them out for all", field=("shopIds",)
        )
    return wanted


async def revoke_grants(work: UnitOfWork, condition: str, *args: object, reason: str) -> int:
    """Revoke every standing grant that meets a condition; open sockets hear of it. Return how many.

    Args:
        condition: SQL over ``oauth_grant`` with ``args`` from ``$1`` on.
    """
    rows = await work.fetch(
        f"UPDATE oauth_grant SET revoked_at = ${len(args) + 1}, "
        f"revoked_reason = ${len(args) + 2} "
        f"WHERE revoked_at IS NULL AND {condition} RETURNING id",
        *args,
        clock.now(),
        reason,
    )
    for row in rows:
        work.wake(f"grant:{row['id']}")
    return len(rows)


async def forget_consent(
    work: UnitOfWork, account_id: UUID, client_id: UUID, merchant_id: UUID
) -> bool:
    """Have the application ask again."""
    return bool(
        await work.execute(
            "DELETE FROM oauth_consent "
            "WHERE account_id = $1 AND client_id = $2 AND merchant_id = $3",
            account_id,
            client_id,
            merchant_id,
        )
    )
