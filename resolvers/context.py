"""What a resolver is given: who asks, in which language, at which moment, with which loaders."""

import asyncio
from collections.abc import Hashable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from headless_presale.customers import (
    CustomerClaims,
    CustomerPrincipal,
    find_customer_principal,
)
from headless_presale.identity import AccessClaims, Principal, find_principal
from headless_presale.identity.limits import Source
from headless_presale.kernel import clock
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.events import Actor
from headless_presale.kernel.freshness import Freshness
from headless_presale.kernel.live import LiveHub
from headless_presale.kernel.locales import negotiate
from headless_presale.operation_limits import Meter
from headless_presale.settings import Settings
from headless_presale.sockets import SocketPlace
from resolvers.errors import ServiceUnavailable, Unauthenticated, reads
from resolvers.loaders import Loaders
from resolvers.shop_directory import ShopsSeen


@dataclass(frozen=True, slots=True)
class ReuseHint:
    """How long an answer may be reused; the transport turns it into ``Cache-Control``."""

    max_age_seconds: int
    public: bool


ANONYMOUS_READ = ReuseHint(max_age_seconds=1, public=True)
PRIVATE_READ = ReuseHint(max_age_seconds=0, public=False)


@dataclass(kw_only=True)
class RequestContext:
    """One request, one operation of a socket, or one event of a subscription.

    Attributes:
        at: the one moment this answer is about, so that its prices, its countdowns and its
            ``serverTime`` agree.
        actor: who the events of a storefront's mutations are recorded as done by.
        claims: what the caller's access token says, verified: a merchant's or a customer's; None
            without one.
        expired: why his token counts no more: but for what gives a new one, that is the answer.
        address: the client's IP address; empty where nobody knows.
        meter: counts what this caller does; None counts nothing.
        socket_place: what his socket or stream counts for; None where they are not counted.
        cache_hint: read by the transport after the operation.
        freshness: notes how old the things are that this caller is given.
        foretold: why his mutation is refused, where that is known before it is run.
    """

    settings: Settings
    hub: LiveHub
    shops: ShopsSeen
    request_id: str
    locale: str
    actor: str = "buyer"
    at: datetime = field(default_factory=clock.now)
    loaders: Loaders = field(default_factory=Loaders)
    cache_hint: ReuseHint | None = None
    connection_params: dict[str, Any] | None = None
    claims: AccessClaims | CustomerClaims | None = None
    expired: Unauthenticated | None = None
    address: str = ""
    meter: Meter | None = None
    socket_place: SocketPlace | None = None
    freshness: Freshness | None = None
    foretold: DomainError | None = None
    _principal: "asyncio.Task[Principal] | None" = None
    _customer: "asyncio.Task[CustomerPrincipal] | None" = None

    @property
    def secret(self) -> str:
        """What order tokens are signed with.

        Raises:
            RuntimeError: the composition root has set none.
        """
        if self.settings.secret_key is None:
            raise RuntimeError("settings.secret_key is not set")
        return self.settings.secret_key.get_secret_value()

    @property
    def read_at(self) -> float | None:
        """When the oldest thing he was given was read, as ``time.monotonic`` has it."""
        return None if self.freshness is None else self.freshness.read_at

    @property
    def source(self) -> Source:
        """Where attempts of this caller come from, as limits count them."""
        return Source(address=self.address)

    @property
    def cost_limit(self) -> int:
        """What one operation of this caller may cost, by what his token says he is."""
        if self.claims is None:
            return self.settings.cost_limit_anonymous
        if isinstance(self.claims, CustomerClaims):
            return self.settings.cost_limit_customer
        return self.settings.cost_limit_merchant

    def begin_operation(self, document: str, *, is_mutation: bool) -> None:
        """Have shops know with which document they are asked, and by whose staff or system.

        Args:
            document: SHA-256 of its text, in lower-case hex.
            is_mutation: of those the fields say whether an expired token matters.

        Raises:
            Unauthenticated: the caller's token has expired.
        """
        if not is_mutation:
            self.check_token()
        claims = self.claims
        merchant_id = claims.merchant_id if isinstance(claims, AccessClaims) else None
        self.shops = self.shops.asked_with(document, merchant_id=merchant_id)

    def check_token(self) -> None:
        """Go on, unless the caller's token has expired.

        Raises:
            Unauthenticated: it has.
        """
        if self.expired is not None:
            raise self.expired

    def hold_open(self) -> None:
        """Count a socket or a stream that stays open, for its address and for its grant.

        Raises:
            TooManyConnections: one of them has as many as it may.
            Unauthenticated: the caller's token has expired.
        """
        self.check_token()
        if self.socket_place is not None:
            self.socket_place.hold(None if self.claims is None else self.claims.grant_id)

    def renewed(self) -> "RequestContext":
        """Return a context of the same caller with its own moment and its own loaders."""
        return replace(
            self,
            at=clock.now(),
            loaders=Loaders(),
            cache_hint=None,
            _principal=None,
            _customer=None,
        )

    def for_audience(self) -> tuple[Hashable, "RequestContext"]:
        """Return what answers that are the same for many depend on, and a context of nothing else.

        Nobody asks in that context: whoever joins such an answer is not to see one that was
        another's. What is not in its key is not in it either.
        """
        impersonal = RequestContext(
            settings=self.settings,
            hub=self.hub,
            shops=self.shops,
            locale=self.locale,
            request_id="shared",
        )
        return (self.hub, self.shops.way, self.locale), impersonal

    @property
    def expires_at(self) -> datetime | None:
        """When sockets and streams of this caller end: with his token."""
        return self.claims.expires_at if self.claims is not None else None

    async def authenticate(self) -> Principal:
        """Return who asks, as the database has him now; asked once per request.

        Raises:
            Unauthenticated: there is no token, or what it stands for has ended.
            ServiceUnavailable: nobody can tell at the moment.
        """
        if self._principal is None:
            self._principal = asyncio.create_task(_find_principal(self.claims))
        self.forbid_reuse()
        return await asyncio.shield(self._principal)

    async def authenticate_customer(self) -> CustomerPrincipal:
        """Return which customer asks, as the database has him now; asked once per request.

        Raises:
            Unauthenticated: there is no token of a customer's, or his sign-in has ended.
            OriginNotAllowed: his shop may not be used from this page.
            ServiceUnavailable: nobody can tell at the moment.
        """
        if self._customer is None:
            self._customer = asyncio.create_task(_find_customer(self.claims))
        self.forbid_reuse()
        found = await asyncio.shield(self._customer)
        await self.shops.check_id(found.customer.shop_id)
        return found

    async def find_customer(self, *, anew: bool = False) -> CustomerPrincipal | None:
        """Return which customer asks; None where anybody else does.

        Args:
            anew: for a mutation: what an earlier one of the same document has ended counts.

        Raises:
            Unauthenticated, OriginNotAllowed, ServiceUnavailable: as authenticate_customer.
        """
        if not isinstance(self.claims, CustomerClaims):
            return None
        if anew:
            self.forget_principal()
        return await self.authenticate_customer()

    def forget_principal(self) -> None:
        """Let the next look at who asks be a new one: what he may do can have changed since."""
        self._principal = None
        self._customer = None

    @property
    def principal(self) -> Principal:
        """Who asks, in a field that :func:`schema.permissions.requires` guards.

        Raises:
            RuntimeError: the field is not guarded: a defect of ours.
        """
        if self._principal is None or not self._principal.done():
            raise RuntimeError("the field does not say what it requires")
        return self._principal.result()

    @property
    def customer(self) -> CustomerPrincipal:
        """Which customer asks, in a field that :func:`schema.permissions.customer_only` guards.

        Raises:
            RuntimeError: the field is not guarded: a defect of ours.
        """
        if self._customer is None or not self._customer.done():
            raise RuntimeError("the field does not say that it is for customers")
        return self._customer.result()

    @property
    def merchant_actor(self) -> Actor:
        """Who the changes of a merchant's mutations are recorded as made by."""
        return self.principal.actor(self.request_id)

    async def ended(self) -> None:
        """Return when the caller's token has come to its end before its time; else wait on."""
        claims = self.claims
        if claims is None:
            await asyncio.Event().wait()
            return
        # Woken by whatever ends the grant; looked at every few seconds should nobody tell.
        is_customer = isinstance(claims, CustomerClaims)
        topic = f"{'customer-grant' if is_customer else 'grant'}:{claims.grant_id}"
        async with aclosing(self.hub.follow(topic)) as news:
            async for _ in news:
                try:
                    await (_find_customer if is_customer else _find_principal)(claims)
                except Unauthenticated:
                    return
                except ServiceUnavailable:
                    continue

    def begin_mutation(self) -> None:
        """Start afresh: what an earlier mutation of the same request loaded may be outdated."""
        self.at = clock.now()
        self.loaders = Loaders()

    def allow_reuse(self) -> None:
        """Say that the answer is the same for everybody, unless something private is in it."""
        if self.cache_hint is None:
            self.cache_hint = ANONYMOUS_READ

    def forbid_reuse(self) -> None:
        """Say that the answer is for one person only."""
        self.cache_hint = PRIVATE_READ


@reads
async def _find_principal(claims: AccessClaims | CustomerClaims | None) -> Principal:
    if not isinstance(claims, AccessClaims):
        raise Unauthenticated("Send an access token: 'Authorization: Bearer ...'.")
    found = await find_principal(claims)
    if found is None:
        raise sign_in_ended()
    return found


@reads
async def _find_customer(claims: AccessClaims | CustomerClaims | None) -> CustomerPrincipal:
    if not isinstance(claims, CustomerClaims):
        raise Unauthenticated("Send a customer's access token: 'Authorization: Bearer ...'.")
    found = await find_customer_principal(claims)
    if found is None:
        raise sign_in_ended()
    return found


def sign_in_ended() -> Unauthenticated:
    """Return what a caller is told whose token is valid, and what it stands for has ended."""
    return Unauthenticated("The access token has been revoked.", error="invalid_token")


def locale_of(accept_language: str | None) -> str:
    """Return the language to answer in."""
    return negotiate(accept_language or "")
