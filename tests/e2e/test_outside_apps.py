"""Applications of others, built on their own libraries, over real HTTP.

What speaks here is oauth4webapi and openid-client (JavaScript) and Authlib's client (Python); a
browser without scripts signs somebody in and answers the consent page.
"""

import asyncio
import json
import warnings
from typing import Any

import authlib.deprecate
import pytest
from authlib.integrations.base_client import OAuthError

with warnings.catch_warnings():
    # It wants another library than the one that is here, and works with this one.
    warnings.simplefilter("ignore", authlib.deprecate.AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client

from headless_presale.identity import ClientKind
from tests.support.node import NODE_FOLDER, needs_node
from tests.support.oauth import App, World, make_app

SCOPE = "catalog:read orders:read"
has_node = needs_node("oauth4webapi", "openid-client")


async def run(script: str, world: World, app: App, redirect_uri: str = "") -> dict[str, Any]:
    """Run an application; be its user where it has one; return what it prints at the end."""
    arguments = [world.issuer, app.client_id, app.secret or "-", redirect_uri]
    process = await asyncio.create_subprocess_exec(
        "node",
        str(NODE_FOLDER / script),
        *[argument for argument in arguments if argument],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    if redirect_uri:
        address = (await process.stdout.readline()).decode().strip()
        process.stdin.write((await consent(world, address)).encode() + b"\n")
    printed, complaints = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, complaints.decode()
    found: dict[str, Any] = json.loads(printed)
    return found


async def consent(world: World, address: str) -> str:
    """Say yes; return where the browser is sent."""
    assert address.startswith(world.issuer + "/oauth/authorize?"), address
    page = await world.owner.browser.open(address)
    assert page.status == 200, page.text
    page = await world.owner.browser.send("/oauth/authorize", decision="allow")
    return page.links[-1]


@has_node
@pytest.mark.parametrize("kind", [ClientKind.WEB, ClientKind.PUBLIC])
async def test_oauth4webapi(world: World, kind: ClientKind) -> None:
    app = await make_app(world.http, world.shop, kind)

    said = await run("oauth4webapi_app.mjs", world, app, app.redirect_uri)

    assert said == {
        "first": {"type": "bearer", "seconds": 600, "scope": SCOPE},
        "isRotated": True,
        "viewer": {
            "label": "owner@moonlit-forge.example",
            "scopes": ["catalog:read", "orders:read"],
        },
        "introspected": {"active": True, "scope": SCOPE} if kind is ClientKind.WEB else None,
        "refused": "invalid_grant",
        "after": 401,
    }


@has_node
async def test_openid_client(world: World) -> None:
    app = await make_app(world.http, world.shop)

    said = await run("openid_client_app.mjs", world, app, app.redirect_uri)

    assert said == {
        "scope": SCOPE,
        "isRotated": True,
        "viewer": {"label": "owner@moonlit-forge.example"},
        "refused": "invalid_grant",
    }


@has_node
async def test_openid_client_on_the_users_own_machine(world: World) -> None:
    # Given a command-line program, registered without a port: it gets one when it starts
    app = await make_app(
        world.http, world.shop, ClientKind.PUBLIC, redirect_uri="http://127.0.0.1/callback"
    )

    said = await run("openid_client_app.mjs", world, app, "http://127.0.0.1:51004/callback")

    assert said["viewer"] == {"label": "owner@moonlit-forge.example"}


@has_node
async def test_openid_client_as_a_service(world: World) -> None:
    erp = await make_app(world.http, world.shop, ClientKind.SERVICE)

    assert await run("openid_client_app.mjs", world, erp) == {
        "scope": "orders:read",
        "hasRefreshToken": False,
        "viewer": {"label": "Planner"},
        "isActiveAfterwards": False,
    }


async def test_authlibs_client(world: World) -> None:
    app = await make_app(world.http, world.shop)
    metadata = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    verifier = "v" * 64
    async with AsyncOAuth2Client(
        app.client_id,
        app.secret,
        redirect_uri=app.redirect_uri,
        scope=SCOPE,
        code_challenge_method="S256",
        trust_env=False,
    ) as client:
        address, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier
        )
        callback = await consent(world, address)
        first = await client.fetch_token(
            metadata["token_endpoint"],
            authorization_response=callback,
            state=state,
            code_verifier=verifier,
        )
        second = await client.refresh_token(metadata["token_endpoint"])
        assert second["refresh_token"] != first["refresh_token"]
        answer = await client.post(
            world.issuer + "/graphql", json={"query": "{ viewer { label } }"}
        )
        assert answer.json()["data"] == {"viewer": {"label": "owner@moonlit-forge.example"}}

        gone = await client.revoke_token(
            metadata["revocation_endpoint"], token=second["refresh_token"]
        )
        assert gone.status_code == 200
        with pytest.raises(OAuthError, match="invalid_grant"):
            await client.refresh_token(metadata["token_endpoint"])


async def test_authlibs_client_as_a_service(world: World) -> None:
    erp = await make_app(world.http, world.shop, ClientKind.SERVICE)
    async with AsyncOAuth2Client(erp.client_id, erp.secret, trust_env=False) as client:
        token = await client.fetch_token(
            world.issuer + "/oauth/token", grant_type="client_credentials", scope="orders:read"
        )
        answer = await client.post(
            world.issuer + "/graphql", json={"query": "{ viewer { label } }"}
        )

    assert token["scope"] == "orders:read"
    assert answer.json()["data"] == {"viewer": {"label": "Planner"}}
