"""Security headers: on every answer of every address there is, whoever writes it."""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from headless_presale.app import MAX_BODY_BYTES
from headless_presale.kernel import redis as redis_module
from headless_presale.middleware import SECURITY_HEADERS
from headless_presale.settings import Settings
from headless_presale.web.admin import DIST
from schema.asgi import create
from tests.conftest import SECRET_KEY
from tests.support.http import make_app
from tools.build_admin import build_admin

pytestmark = pytest.mark.usefixtures("redis")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PAGE = {"accept": "text/html", "accept-language": "en"}
HSTS = "strict-transport-security"


@pytest.fixture
def app(database: str, tmp_path: Path) -> Starlette:
    """The whole application, as it is served at an https address."""
    if not DIST.is_dir():
        build_admin()
    return create(
        Settings(
            database_url=database,
            redis_url=redis_module._client_url,
            data_dir=tmp_path,
            secret_key=SecretStr(SECRET_KEY),
            public_url="https://shop.test",
        )
    )


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(app=manager.app, client=("192.0.2.1", 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="https://shop.test") as client:
            yield client


def addresses(routes: Sequence[BaseRoute]) -> Iterator[str]:
    """Every address of an application, with ``x`` where one has a part that varies."""
    for route in routes:
        if isinstance(route, Mount):
            yield from (f"{route.path}/", f"{route.path}/nothing.js", f"{route.path}/index.html")
            yield from (f"{route.path}{below}" for below in addresses(route.routes or ()))
        elif isinstance(route, Route):
            yield re.sub(r"\{[^}]+\}", "x", route.path)


def faults(answer: httpx.Response) -> list[str]:
    """What an answer's headers leave a browser free to do."""
    headers = answer.headers
    found = [f"no {name}" for name in (*SECURITY_HEADERS, HSTS) if name not in headers]
    found += [name for name in headers if len(headers.get_list(name)) > 1 and name in _ONCE]
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in headers.get("content-security-policy", "").split(";")
    )
    scripts = policy.get("script-src", "").split()
    if policy.get("default-src") != "'none'" or {"*", "https:", "data:"} & set(scripts):
        found.append("loads anything")
    if any("unsafe" in source for source in scripts):
        found.append("runs anything")
    if "sandbox" not in policy and policy.get("frame-ancestors") != "'none'":
        found.append("is framed")
    return found


_ONCE = {name.lower() for name in SECURITY_HEADERS}


async def answers(app: Starlette, client: httpx.AsyncClient) -> AsyncIterator[httpx.Response]:
    """Ask every address by every method, and for what else is answered besides."""
    for address in dict.fromkeys(addresses(app.routes)):
        for method in METHODS:
            for headers in (PAGE, {"accept": "application/json"}):
                yield await client.request(method, address, headers=headers)
    query = {"query": "{ __typename }"}
    yield await client.get("/graphql", params=query)
    yield await client.post("/graphql", json=query)
    yield await client.post("/graphql", json=query, headers={"accept": "text/event-stream"})
    yield await client.post("/graphql", json=query, headers={"accept": "image/png"})
    yield await client.post("/graphql", content=b"{", headers={"content-type": "text/plain"})
    yield await client.post("/sign-in", content=b"x" * (MAX_BODY_BYTES + 1))
    yield await client.get("/assets/pages.css")
    yield await client.get("/no/such/page", headers=PAGE)
    yield await client.get("/admin", headers=PAGE)


async def test_every_answer_of_every_address_has_them(
    app: Starlette, client: httpx.AsyncClient
) -> None:
    statuses: set[int] = set()
    faulty: dict[str, list[str]] = {}
    count = 0

    async for answer in answers(app, client):
        count += 1
        statuses.add(answer.status_code)
        if found := faults(answer):
            faulty[f"{answer.request.method} {answer.request.url}"] = found

    assert faulty == {}
    assert count > 500
    # Pages, data, redirects and refusals of every writer were among them.
    assert statuses >= {200, 303, 307, 400, 401, 404, 405, 406, 413, 415}


async def test_control_without_the_middleware_almost_none_has(
    app: Starlette, client: httpx.AsyncClient
) -> None:
    ours, *others = app.user_middleware
    assert ours.kwargs.keys() == {"headers"}
    app.user_middleware = others
    app.middleware_stack = app.build_middleware_stack()

    for address in ("/livez", "/schema.graphql", "/sign-in", "/no/such/page"):
        assert f"no {HSTS}" in faults(await client.get(address)), address
    assert "is framed" in faults(await client.get("/livez"))


async def test_pages_keep_their_own_stricter_or_wider_policy(client: httpx.AsyncClient) -> None:
    page = await client.get("/sign-in", headers=PAGE)
    editor = await client.get("/graphql", headers=PAGE)
    data = await client.get("/livez")

    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert "script-src 'sha256-" in editor.headers["content-security-policy"]
    for name, value in SECURITY_HEADERS.items():
        assert data.headers[name] == value
    assert data.headers[HSTS] == "max-age=31536000"


async def test_a_crash_is_answered_with_them_and_http_promises_no_https(database: str) -> None:
    transport = httpx.ASGITransport(app=make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        answer = await client.post("/graphql", content=b"crash")

    assert answer.status_code == 500
    assert faults(answer) == [f"no {HSTS}"]
