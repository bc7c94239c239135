"""The clients by which this process asks the providers at which customers sign in."""

from dataclasses import dataclass

from headless_presale.customers.wechat_api import WeChatApi


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderClients:
    """What asks WeChat, and whom else may be asked.

    Attributes:
        allow_private: shops' OpenID Connect providers may be at http and in private networks.
    """

    wechat: WeChatApi
    allow_private: bool = False


_clients: ProviderClients | None = None


def set_provider_clients(clients: ProviderClients | None) -> None:
    """Install the clients. Called by the composition root."""
    global _clients
    _clients = clients


def current_provider_clients() -> ProviderClients:
    """Return the clients.

    Raises:
        RuntimeError: none is installed.
    """
    if _clients is None:
        raise RuntimeError("no clients of sign-in providers are set")
    return _clients


async def close_provider_clients() -> None:
    """Close what is open to providers."""
    if _clients is not None:
        await _clients.wechat.close()
    set_provider_clients(None)
