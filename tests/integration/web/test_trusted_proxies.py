"""Whose address counts: behind proxies of ours the client's, and nobody chooses his own."""

import ipaddress
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr, ValidationError
from starlette.types import Receive, Scope, Send

from headless_presale import proxies
from headless_presale.identity import limits
from headless_presale.proxies import TrustedProxies, parse_networks
from headless_presale.settings import Settings
from tests.support.api import api_serving
from tests.support.pages import Site
from tests.support.signing_in import sign_in

OURS = "10.0.0.0/8, 192.0.2.10 2001:db8:1::/48"


async def seen_through(
    peer: str | None, *forwarded: str, proto: str | None = None, kind: str = "http"
) -> tuple[str | None, str]:
    """Return the address and the scheme that the application is given."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    if proto is not None:
        headers.append((b"x-forwarded-proto", proto.encode()))
    scope: Scope = {
        "type": kind,
        "scheme": "ws" if kind == "websocket" else "http",
        "client": None if peer is None else (peer, 40_000),
        "headers": headers,
    }

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    app = TrustedProxies(inside, networks=parse_networks(OURS))
    await app(scope, None, None)  # type: ignore[arg-type]
    return (scope["client"][0] if scope["client"] else None), scope["scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("192.0.2.10", ["203.0.113.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.1, 198.51.100.7, 10.0.0.2,192.0.2.10"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.1", "198.51.100.7", "10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["198.51.100.7,"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7:51000"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8:9::1]:51000"], "2001:db8:9::1"),
        ("2001:db8:1::5", ["2001:DB8:9:0:0:0:0:1"], "2001:db8:9::1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        # As a socket for both families has it: each would be of one and the same /64.
        ("::ffff:198.51.100.7", ["203.0.113.1"], "198.51.100.7"),
        (None, ["198.51.100.7"], None),
    ],
)
async def test_the_client_is_the_first_who_is_none_of_ours(
    peer: str | None, forwarded: list[str], client: str | None
) -> None:
    assert (await seen_through(peer, *forwarded))[0] == client


@pytest.mark.parametrize(
    ("peer", "proto", "kind", "scheme"),
    [
        ("10.0.0.1", "https", "http", "https"),
        ("10.0.0.1", "https", "websocket", "wss"),
        ("10.0.0.1", "https, http", "http", "http"),
        ("10.0.0.1", "gopher", "http", "http"),
        ("198.51.100.7", "https", "http", "http"),
    ],
)
async def test_the_scheme_is_the_one_our_proxy_was_asked_by(
    peer: str, proto: str, kind: str, scheme: str
) -> None:
    assert (await seen_through(peer, proto=proto, kind=kind))[1] == scheme


def test_what_is_no_network_is_refused_at_the_start() -> None:
    for wrong in ("proxy.example.com", "10.0.0.1/8", "10.0.0.0/33"):
        with pytest.raises(ValidationError):
            Settings(trusted_proxies=wrong)
    assert Settings(trusted_proxies="").proxy_networks == ()
    assert Settings(trusted_proxies="::1").proxy_networks == (ipaddress.ip_network("::1"),)


# Guessing on, from an address that is another one each time


async def guess_as_others(site: Site, address: str, *, behind: str = "") -> list[int]:
    """Guess six people's passwords, each time with another invented address in the header."""
    answers = []
    async with site.browser(address=address) as browser:
        for number in range(6):
            forged = f"203.0.113.{number}"
            browser.client.headers["x-forwarded-for"] = f"{forged}, {behind}" if behind else forged
            answers.append((await sign_in(browser, email=f"{number}@shop.example")).status)
    return answers


STOPPED = [422] * 4 + [429] * 2


@pytest.fixture
def four_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer guesses from an address, so that fewer are hashed here."""
    few = replace(limits.PASSWORD_FROM_ADDRESS, free=4)
    monkeypatch.setattr(limits, "PASSWORD_FROM_ADDRESS", few)


@pytest.mark.usefixtures("database", "clock", "four_free")
class TestGuessing:
    async def test_a_header_of_one_s_own_hides_nobody(self) -> None:
        assert await guess_as_others(Site(), "198.51.100.7") == STOPPED
        ours = Site(trusted_proxies="10.0.0.0/8")
        assert await guess_as_others(ours, "198.51.101.7") == STOPPED

    async def test_nor_does_one_that_a_proxy_of_ours_passes_on(self) -> None:
        site = Site(trusted_proxies="10.0.0.0/8")

        assert await guess_as_others(site, "10.0.0.1", behind="198.51.100.7") == STOPPED
        # Whoever else comes through the same proxy is somebody else.
        async with site.browser(address="10.0.0.1") as other:
            other.client.headers["x-forwarded-for"] = "192.0.2.44"
            assert (await sign_in(other, email="x@shop.example")).status == 422

    async def test_control_who_believes_the_left_most_is_guessed_at_for_ever(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hops = proxies._hops
        monkeypatch.setattr(proxies, "_hops", lambda values: list(hops(values))[::-1])
        site = Site(trusted_proxies="10.0.0.0/8")

        answers = await guess_as_others(site, "10.0.0.1", behind="198.51.100.7")

        assert answers == [422] * 6

    async def test_control_without_networks_all_behind_a_proxy_are_one(self) -> None:
        site = Site()
        await guess_as_others(site, "10.0.0.1", behind="198.51.100.7")
        async with site.browser(address="10.0.0.1") as other:
            other.client.headers["x-forwarded-for"] = "192.0.2.44"
            assert (await sign_in(other, email="x@shop.example")).status == 429


# As it is served


@pytest.mark.parametrize(
    ("trusted", "allowed", "client"),
    [("", "*", "127.0.0.1"), ("127.0.0.0/8", "", "198.51.100.7"), ("10.0.0.0/8", "*", "127.0.0.1")],
)
async def test_the_server_in_front_decides_nothing(
    database: str,
    redis_url: str,
    redis: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: str,
    allowed: str,
    client: str,
) -> None:
    # uvicorn's own setting, and who is on this machine: neither says whom to believe.
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", allowed)
    settings = Settings(
        database_url=database,
        redis_url=redis_url,
        data_dir=tmp_path,
        secret_key=SecretStr("proxies"),
        trusted_proxies=trusted,
    )
    async with api_serving(settings) as http:
        with structlog.testing.capture_logs() as lines:
            await http.get("/", headers={"x-forwarded-for": "198.51.100.7"})

    assert [line["client"] for line in lines if line["event"] == "http.request"] == [client]
