"""What a process of ours holds open: database, Redis, gateways, mail, live hub."""

import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import structlog
from pydantic import SecretStr

from headless_presale import checkout
from headless_presale.analytics import writing_funnel
from headless_presale.challenges import SiteVerify, close_challenger, set_challenger
from headless_presale.customers import (
    ProviderClients,
    WeChatApi,
    close_provider_clients,
    set_provider_clients,
)
from headless_presale.database import close_database, open_database
from headless_presale.event_handlers import EVENT_HANDLERS
from headless_presale.identity import set_issuer
from headless_presale.kernel import live
from headless_presale.kernel.events import set_event_handlers
from headless_presale.kernel.failpoints import arm_from_environment
from headless_presale.kernel.ids import global_id
from headless_presale.kernel.live import LiveHub
from headless_presale.kernel.redis import close_redis, open_redis
from headless_presale.kernel.unit_of_work import drain, set_publisher
from headless_presale.kernel.vault import set_secret_key
from headless_presale.media import open_store, set_store
from headless_presale.notifications import (
    make_transport,
    set_campaign_link,
    set_order_link,
    set_transport,
)
from headless_presale.orders import OrderView, order_token
from headless_presale.payments.gateways import PaymentGateway, close_gateways, set_gateways
from headless_presale.payments.gateways.sandbox import SandboxGateway
from headless_presale.settings import Settings
from headless_presale.webhooks import Outlet, set_outlet

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Runtime:
    """An open process: its settings, complete, and its live hub."""

    settings: Settings
    hub: LiveHub


def complete_settings(settings: Settings) -> Settings:
    """Return the settings with the secret key in them: the operator's, or the one kept on disk.

    Raises:
        ValueError: DATABASE_URL or REDIS_URL is missing; the CLI fills in the embedded engines'.
    """
    if not settings.database_url or not settings.redis_url:
        raise ValueError("DATABASE_URL and REDIS_URL must name engines here")
    if settings.secret_key is not None:
        return settings
    key = _kept_secret(settings.data_dir / "secret_key")
    return settings.model_copy(update={"secret_key": SecretStr(key)})


def _kept_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written whole under another name and linked: two processes agree on the first one's.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        os.link(draft, path)
    except FileExistsError:
        log.debug("runtime.secret_kept", path=str(path))
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text().strip()


def _order_link(settings: Settings) -> Callable[[OrderView], str] | None:
    template, key = settings.order_url_template, settings.secret_key
    if template is None or key is None:
        return None

    def link(order: OrderView) -> str:
        token = order_token(key.get_secret_value(), order.id, order.access_generation)
        return template.replace("{id}", global_id("Order", order.id)).replace("{token}", token)

    return link


def _campaign_link(template: str | None) -> Callable[[str, str, UUID], str] | None:
    if template is None:
        return None

    def link(shop: str, handle: str, campaign_id: UUID) -> str:
        parts = {"{shop}": shop, "{handle}": handle, "{id}": global_id("Campaign", campaign_id)}
        address = template
        for name, value in parts.items():
            address = address.replace(name, quote(value, safe=""))
        return address

    return link


def _gateways(settings: Settings) -> list[PaymentGateway]:
    url, key, secret = (
        settings.sandbox_gateway_url,
        settings.sandbox_gateway_api_key,
        settings.sandbox_gateway_webhook_secret,
    )
    if url is None or key is None or secret is None:
        return []
    return [
        SandboxGateway(
            url=url, api_key=key.get_secret_value(), webhook_secret=secret.get_secret_value()
        )
    ]


def _challenger(settings: Settings) -> SiteVerify | None:
    url, secret = settings.challenge_url, settings.challenge_secret
    if url is None or secret is None:
        return None
    key = settings.challenge_site_key
    return SiteVerify(url=url, secret=secret.get_secret_value(), site_key=key)


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """Open everything a process needs; close it in order, after what was accepted is finished."""
    settings = complete_settings(settings)
    assert settings.database_url
    assert settings.redis_url
    if (armed := arm_from_environment()) is not None:
        log.warning("runtime.failpoint_armed", failpoint=armed)
    async with AsyncExitStack() as stack:
        await open_database(
            settings.database_url,
            pool_size=settings.database_pool_size,
            statement_timeout_ms=settings.statement_timeout_ms,
        )
        stack.push_async_callback(close_database)
        open_redis(settings.redis_url, timeout_seconds=settings.redis_timeout_seconds)
        stack.push_async_callback(close_redis)
        assert settings.secret_key
        set_secret_key(settings.secret_key.get_secret_value())
        stack.callback(set_secret_key, None)
        set_issuer(settings.base_url)
        set_event_handlers(EVENT_HANDLERS)
        set_publisher(live.publish)
        stack.callback(set_publisher, None)
        set_store(open_store(settings.media_url, settings.data_dir / "media"))
        stack.callback(set_store, None)
        set_gateways(_gateways(settings))
        stack.push_async_callback(close_gateways)
        set_challenger(_challenger(settings))
        stack.push_async_callback(close_challenger)
        set_transport(make_transport(settings))
        set_order_link(_order_link(settings))
        set_campaign_link(_campaign_link(settings.campaign_url_template))
        set_outlet(Outlet(allow_private=settings.webhooks_allow_private))
        stack.callback(set_outlet, None)
        set_provider_clients(
            ProviderClients(
                wechat=WeChatApi(settings.wechat_api_url),
                allow_private=settings.sign_in_providers_allow_private,
            )
        )
        stack.push_async_callback(close_provider_clients)
        await stack.enter_async_context(writing_funnel())
        stack.push_async_callback(_finish_accepted)
        hub = LiveHub()
        await hub.start()
        stack.push_async_callback(hub.stop)
        yield Runtime(settings, hub)


async def _finish_accepted() -> None:
    """Let commands that were begun come to their end, and tell Redis what they owe it."""
    if left := await drain(DRAIN_SECONDS):
        log.warning("runtime.commands_cut_off", count=left)
    await checkout.drain()
