"""Whether the secrets that an installation was given are secret: long, random, its own."""

import math
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from headless_presale.audits.findings import Finding
from headless_presale.kernel.secret_files import variable_of
from headless_presale.settings import SECRET_ADDRESSES, Settings

SENTENCE = "no secret is weak, an example or used twice"
MADE_BY_US = {
    "secret_key": (32, "openssl rand -hex 32"),
    "sandbox_gateway_api_key": (24, "openssl rand -hex 16"),
    "sandbox_gateway_webhook_secret": (24, "whsec_ and openssl rand -base64 32"),
}
"""What an operator makes for us alone: the fewest characters, and how to make it."""
FEWEST_CHARACTERS = 12
"""Of what somebody else gives out: the passwords of engines and mail servers, client secrets."""
FEWEST_BITS_A_CHARACTER = 2.5
"""Random hexadecimal digits have 3 to 4, ``abcabcabc...`` has 1.6."""
EXAMPLES = (
    *("admin", "canary", "changeit", "changeme", "default", "example", "letmein", "password"),
    *("placeholder", "postgres", "presale", "qwerty", "sandbox", "secret", "test", "valkey"),
    *("12345678", "end-to-end", "openssl rand", "replace", "todo", "your-", "yoursecret"),
)
"""Words of examples: they do not count, so a long secret may hold one."""


def audit_secrets(settings: Settings) -> Finding:
    """Judge every secret that is set. Names settings and reasons, never a value."""
    given = dict(_given(settings))
    used = Counter(given.values())
    broken = []
    for name, value in given.items():
        fewest, how = MADE_BY_US.get(name, (FEWEST_CHARACTERS, "take a random one"))
        fault = _fault_of(value.removeprefix("whsec_"), fewest)
        if fault is None and used[value] > 1:
            fault = "is the same as another"
        if fault is not None:
            broken.append(f"{variable_of(Settings, name)} {fault}: {how}")
    return Finding(SENTENCE, tuple(broken))


def fault_of_key(settings: Settings) -> str | None:
    """Say why the key that order tokens are signed with is none; None where it is one.

    Unset it is none of an operator's: a random one is made.
    """
    key = settings.secret_key
    if key is None:
        return None
    fewest, how = MADE_BY_US["secret_key"]
    fault = _fault_of(key.get_secret_value(), fewest)
    return None if fault is None else f"{variable_of(Settings, 'secret_key')} {fault}: {how}"


def is_development(settings: Settings) -> bool:
    """Tell whether nobody but this machine is meant to reach us: by the mode and by the address."""
    return settings.mode == "development" and is_local(settings)


def is_local(settings: Settings) -> bool:
    """Tell whether our public address is one of this machine itself."""
    host = (urlsplit(settings.base_url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _given(settings: Settings) -> Iterator[tuple[str, str]]:
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield name, value.get_secret_value()
        elif name in SECRET_ADDRESSES and value:
            # None where the engine lets us in by other means: a socket, a private network.
            password = urlsplit(value).password
            if password is not None:
                yield name, unquote(password)


def _fault_of(value: str, fewest: int) -> str | None:
    if len(value) < fewest:
        return f"has {len(value)} characters, fewer than {fewest}"
    plain = value.lower()
    rest = plain
    for word in EXAMPLES:
        rest = rest.replace(word, "")
    if len(rest) < fewest:
        return "is an example or easily guessed"
    if _bits_a_character(value) < FEWEST_BITS_A_CHARACTER:
        return "repeats itself"
    return None


def _bits_a_character(value: str) -> float:
    """Return Shannon's entropy of the value's own characters."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())
