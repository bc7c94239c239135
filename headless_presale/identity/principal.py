"""Who asks, and what he may do at this moment.

An access token says what was granted; what holds now is read from the database with each merchant
request, in one statement: a revoked grant, a disabled client, a deactivated member, a changed role
count at once, not when the token expires.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headless_presale.identity.oauth.access_tokens import AccessClaims
from headless_presale.identity.scopes import ROLE_SCOPES, Role, Scope, known_scopes
from headless_presale.kernel.events import Actor
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

_READ = """
SELECT g.scopes, g.shop_ids AS grant_shops, c.scopes AS client_scopes,
       c.shop_ids AS client_shops, c.name AS client_name, a.email, s.role,
       s.shop_ids AS staff_shops,
       ARRAY(SELECT id FROM shop WHERE merchant_id = g.merchant_id) AS shops
FROM oauth_grant g
JOIN oauth_client c ON c.id = g.client_id
LEFT JOIN account a ON a.id = g.account_id
LEFT JOIN staff_member s ON s.merchant_id = g.merchant_id AND s.account_id = g.account_id
WHERE g.id = $1 AND g.client_id = $2 AND g.merchant_id = $3
  AND g.account_id IS NOT DISTINCT FROM $4 AND g.revoked_at IS NULL AND c.disabled_at IS NULL
  AND (c.merchant_id IS NULL OR c.merchant_id = g.merchant_id)
  AND (g.account_id IS NULL
       OR (a.deactivated_at IS NULL AND s.id IS NOT NULL AND s.deactivated_at IS NULL))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller whose token was accepted and whose grant stands.

    Attributes:
        account_id: the member of the staff; None where a client acts for itself.
        label: his e-mail address, or the client's name.
        role: the member's; None for a client.
        scopes: what was granted, as far as client and role still allow it.
        shop_ids: the shops it may touch; rows of any other do not exist for it.
        has_all_shops: whether those are all of the merchant's, those to come included.
        expires_at: when the token ends.
    """

    grant_id: UUID
    merchant_id: UUID
    client_id: UUID
    account_id: UUID | None
    label: str
    role: Role | None
    scopes: frozenset[Scope]
    shop_ids: frozenset[UUID]
    has_all_shops: bool
    expires_at: datetime

    def lacks(self, *scopes: Scope) -> list[Scope]:
        """Return those of the scopes that it does not have, in their order."""
        return [scope for scope in scopes if scope not in self.scopes]

    def actor(self, request_id: str = "") -> Actor:
        """Return it as events and the audit log name who acts."""
        is_person = self.account_id is not None
        return Actor(
            kind="staff" if is_person else "client",
            id=str(self.account_id if is_person else self.client_id),
            label=self.label,
            client_id=str(self.client_id),
            request_id=request_id,
        )


@shielded
async def find_principal(claims: AccessClaims) -> Principal | None:
    """Return who holds a verified token; None if what it stands for has ended.

    Raises:
        Unavailable: the database does not answer; nobody is let in meanwhile.
    """
    client_id = UUID(claims.client_id)
    account_id = None if claims.is_client_itself else UUID(claims.subject)
    async with unit_of_work() as work:
        row = await work.fetchrow(_READ, claims.grant_id, client_id, claims.merchant_id, account_id)
    if row is None:
        return None
    role = Role(row["role"]) if row["role"] is not None else None
    scopes = claims.scopes & known_scopes(row["scopes"]) & known_scopes(row["client_scopes"])
    shops = frozenset(row["shops"])
    limits = [row[name] for name in ("grant_shops", "client_shops", "staff_shops")]
    limits = [limit for limit in limits if limit is not None]
    for limit in limits:
        shops &= frozenset(limit)
    return Principal(
        grant_id=claims.grant_id,
        merchant_id=claims.merchant_id,
        client_id=client_id,
        account_id=account_id,
        label=row["email"] or row["client_name"],
        role=role,
        scopes=scopes & ROLE_SCOPES[role] if role is not None else scopes,
        shop_ids=shops,
        has_all_shops=not limits,
        expires_at=claims.expires_at,
    )
