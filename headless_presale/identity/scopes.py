"""What one may be allowed to do, and the roles that are named sets of it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from headless_presale.kernel.errors import InvalidInput


class Scope(StrEnum):
    """One permission. ``read`` shows, ``write`` changes; money that leaves has its own."""

    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    ORDERS_REFUND = "orders:refund"
    CUSTOMERS_WRITE = "customers:write"
    ANALYTICS_READ = "analytics:read"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    CLIENTS_READ = "clients:read"
    CLIENTS_WRITE = "clients:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    """What a member of the staff is."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MANAGER = "MANAGER"
    SUPPORT = "SUPPORT"
    ANALYST = "ANALYST"


ALL_SCOPES = frozenset(Scope)

ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = {
    Role.OWNER: ALL_SCOPES,
    # Everything of the daily business; who belongs to the house is for owners to say.
    Role.ADMIN: ALL_SCOPES - {Scope.MEMBERS_WRITE},
    Role.MANAGER: frozenset(
        {
            Scope.SETTINGS_READ,
            Scope.CATALOG_READ,
            Scope.CATALOG_WRITE,
            Scope.CAMPAIGNS_READ,
            Scope.CAMPAIGNS_WRITE,
            Scope.ORDERS_READ,
            Scope.ORDERS_WRITE,
            Scope.ANALYTICS_READ,
        }
    ),
    Role.SUPPORT: frozenset(
        {
            Scope.SETTINGS_READ,
            Scope.CATALOG_READ,
            Scope.CAMPAIGNS_READ,
            Scope.ORDERS_READ,
            Scope.ORDERS_WRITE,
            Scope.ORDERS_REFUND,
        }
    ),
    Role.ANALYST: frozenset(
        {
            Scope.SETTINGS_READ,
            Scope.CATALOG_READ,
            Scope.CAMPAIGNS_READ,
            Scope.ORDERS_READ,
            Scope.ANALYTICS_READ,
        }
    ),
}


def scopes_of(names: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes of these names.

    Raises:
        InvalidInput: one of them does not exist.
    """
    found: set[Scope] = set()
    for name in names:
        try:
            found.add(Scope(name))
        except ValueError:
            raise InvalidInput(
                reason="there is no scope {scope}", scope=name[:60], field=("scopes",)
            ) from None
    return frozenset(found)


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return those of these names that are scopes: stored ones may be older than this code."""
    return frozenset(scope for scope in Scope if scope in set(names))


def scope_text(scopes: Iterable[Scope]) -> str:
    """Return scopes as OAuth writes them, in the order in which they are declared."""
    wanted = set(scopes)
    return " ".join(scope for scope in Scope if scope in wanted)
