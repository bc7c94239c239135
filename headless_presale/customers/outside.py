"""How this process reaches the providers at which customers sign in."""

from dataclasses import dataclass

from headless_presale.customers.wechat_api import WeChatApi


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What is out there.

    Attributes:
        allow_private: shops' OpenID Connect providers may be at http and in private networks.
    """

    wechat: WeChatApi
    allow_private: bool = False


_outside: Outside | None = None


def set_outside(outside: Outside | None) -> None:
    """Install the way to the providers. Called by the composition root."""
    global _outside
    _outside = outside


def current_outside() -> Outside:
    """Return the way to the providers.

    Raises:
        RuntimeError: none is installed.
    """
    if _outside is None:
        raise RuntimeError("no way to sign-in providers is set")
    return _outside


async def close_outside() -> None:
    """Close what is open to providers."""
    if _outside is not None:
        await _outside.wechat.close()
    set_outside(None)
