"""What a resolver is given: who asks, in which language, at which moment, with which loaders."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from headless_presale.kernel import clock
from headless_presale.kernel.live import LiveHub
from headless_presale.kernel.locales import negotiate
from headless_presale.settings import Settings
from resolvers.loaders import Loaders
from resolvers.shop_directory import ShopDirectory


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
        actor: who the events of its mutations are recorded as done by.
        cache_hint: read by the transport after the operation.
    """

    settings: Settings
    hub: LiveHub
    shops: ShopDirectory
    request_id: str
    locale: str
    actor: str = "buyer"
    at: datetime = field(default_factory=clock.now)
    loaders: Loaders = field(default_factory=Loaders)
    cache_hint: ReuseHint | None = None
    connection_params: dict[str, Any] | None = None

    @property
    def secret(self) -> str:
        """What order tokens are signed with.

        Raises:
            RuntimeError: the composition root has set none.
        """
        if self.settings.secret_key is None:
            raise RuntimeError("settings.secret_key is not set")
        return self.settings.secret_key.get_secret_value()

    def renewed(self) -> "RequestContext":
        """Return a context of the same caller with its own moment and its own loaders."""
        return replace(self, at=clock.now(), loaders=Loaders(), cache_hint=None)

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


def locale_of(accept_language: str | None) -> str:
    """Return the language to answer in."""
    return negotiate(accept_language or "")
