"""The applications a person has let in, and the end of that."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headless_presale.identity.granting import forget_consent, revoke_grants
from headless_presale.identity.oauth.clients import ADMIN_CLIENT
from headless_presale.identity.scopes import Scope, known_scopes
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.events import Actor, acting_as
from headless_presale.kernel.unit_of_work import shielded, unit_of_work


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What a person lets an application do for a merchant.

    Attributes:
        scopes: all that stands, or would be granted without asking again.
        since: when the oldest of it was allowed.
    """

    client_id: UUID
    merchant_id: UUID
    name: str
    merchant_name: str
    scopes: frozenset[Scope]
    since: datetime

    @property
    def is_first_party(self) -> bool:
        """Whether it is ours: then what stands are the devices that are signed in to it."""
        return self.client_id == ADMIN_CLIENT


_LIST = """
SELECT c.id, c.name, m.id AS merchant_id, m.name AS merchant_name, min(allowed.at) AS since,
       array_agg(DISTINCT scope) AS scopes
FROM (
    SELECT client_id, merchant_id, created_at AS at, scopes FROM oauth_grant
    WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > $2
    UNION ALL
    SELECT client_id, merchant_id, granted_at, scopes FROM oauth_consent WHERE account_id = $1
) AS allowed
JOIN oauth_client c ON c.id = allowed.client_id AND c.disabled_at IS NULL
JOIN merchant m ON m.id = allowed.merchant_id
CROSS JOIN unnest(allowed.scopes) AS scope
GROUP BY c.id, m.id
ORDER BY c.name, m.name, c.id, m.id
"""


@shielded
async def list_applications(account_id: UUID) -> list[Application]:
    """Return what a person lets in at this moment, by name."""
    async with unit_of_work() as work:
        rows = await work.fetch(_LIST, account_id, clock.now())
    return [
        Application(
            client_id=row["id"],
            merchant_id=row["merchant_id"],
            name=row["name"],
            merchant_name=row["merchant_name"],
            scopes=known_scopes(row["scopes"]),
            since=row["since"],
        )
        for row in rows
    ]


@shielded
async def end_application(
    account_id: UUID, client_id: UUID, merchant_id: UUID, *, label: str
) -> bool:
    """End what a person allowed; its tokens end at once, and it has to ask again.

    Args:
        label: the person's address, for the merchant's log.

    Returns:
        False where there was nothing to end.
    """
    async with unit_of_work() as work:
        ended = await revoke_grants(
            work,
            "account_id = $1 AND client_id = $2 AND merchant_id = $3",
            account_id,
            client_id,
            merchant_id,
            reason="revoked_by_user",
        )
        was_remembered = await forget_consent(work, account_id, client_id, merchant_id)
        if not ended and not was_remembered:
            return False
        actor = Actor(kind="staff", id=str(account_id), label=label)
        client = await work.fetchrow("SELECT name FROM oauth_client WHERE id = $1", client_id)
        assert client is not None
        with acting_as(actor):
            await record_change(
                work,
                action="grant.revoke",
                owner_id=merchant_id,
                subject_type="ApiClient",
                subject_id=client_id,
                subject_label=client["name"],
                after={"reason": "revoked_by_user", "grants": ended},
            )
    return True
