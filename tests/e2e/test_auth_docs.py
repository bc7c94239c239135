"""The commands of docs/auth.md, run as they stand there."""

import asyncio
import json
import os
import re
import shlex
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from headless_presale.customers import ProviderKind, SignInProvider
from headless_presale.identity import OAuthClient, OAuthGrant
from tests.conftest import SECRET_KEY
from tests.graphql.providers import outside_open
from tests.support.oauth import World
from tests.support.oidc_issuer import running_issuer

PAGE = Path(__file__).parents[2] / "docs" / "auth.md"
KEPT = "BASE MADE CLIENT VERIFIER CALLBACK TOKENS TOKEN SECRET SHOP"


class Shell:
    """A shell in which one block after the other is pasted; variables stay."""

    def __init__(self, world: World, database_url: str, redis_url: str, folder: Path) -> None:
        self._issuer = world.issuer
        self._state = folder / "variables"
        self._state.write_text("")
        self._environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PRESALE_SECRET_KEY": SECRET_KEY,
            "PRESALE_DATA_DIR": str(folder),
            "PRESALE_LOG_LEVEL": "ERROR",
            "PRESALE_PUBLIC_URL": world.issuer,
            "NO_PROXY": "*",
        }

    async def run(self, block: str, **replaced: str) -> str:
        """Paste a block; return what it printed last."""
        for name, value in replaced.items():
            block, count = re.subn(
                rf"^{name}=.*$", f"{name}={shlex.quote(value)}", block, flags=re.M
            )
            assert count == 1
        block = block.replace("http://127.0.0.1:8000", self._issuer)
        block = block.replace(
            ".venv/bin/headless-presale", f"{sys.executable} -m headless_presale.cli"
        )
        state = shlex.quote(str(self._state))
        script = (
            f"set -euo pipefail; source {state}\n{block}\n"
            f"{{ declare -p {KEPT}; declare -f; }} > {state} 2>/dev/null || true"
        )
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            script,
            cwd=PAGE.parents[1],
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, complaints = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, complaints.decode()
        return printed.decode().strip()


def blocks_of(section: str) -> list[str]:
    """Return the commands of a section."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## )", PAGE.read_text(), re.M | re.S)
    return re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)


async def test_connect_an_application(
    world: World, worker_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    shell = Shell(world, worker_database_url, redis_url, tmp_path)
    register, send, redeem, refresh, revoke = blocks_of("Connect an application")

    await shell.run(register)
    address = await shell.run(send)
    page = await world.owner.browser.open(address)
    assert "Allow Planner?" in page.text
    page = await world.owner.browser.send("/oauth/authorize", decision="allow")
    callback = page.links[-1]
    assert callback.startswith("http://127.0.0.1:9999/callback?")
    (code,) = parse_qs(urlsplit(callback).query)["code"]

    assert json.loads(await shell.run(redeem, CODE=code))["data"] == {
        "viewer": {
            "label": "owner@moonlit-forge.example",
            "scopes": ["catalog:read", "orders:read"],
        }
    }
    assert await shell.run(refresh) == "catalog:read orders:read"
    assert await shell.run(revoke) == "200"
    assert (await OAuthGrant.get()).revoked_reason == "revoked_by_client"


async def test_connect_an_erp(
    world: World, worker_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    shell = Shell(world, worker_database_url, redis_url, tmp_path)
    register, ask, rotate, end = blocks_of("Connect an ERP")

    await shell.run(register)
    viewer = {"viewer": {"label": "ERP", "scopes": ["orders:read"]}}
    assert json.loads(await shell.run(ask))["data"] == viewer
    assert "client_secret" in await shell.run(rotate)
    assert json.loads(await shell.run(ask))["data"] == viewer
    await shell.run(end)
    assert (await OAuthClient.get(name="ERP")).disabled_at is not None


async def test_customers_sign_in_by_providers(
    world: World, worker_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    shell = Shell(world, worker_database_url, redis_url, tmp_path)
    wechat, _, oidc = blocks_of("How customers sign in")

    added = json.loads(await shell.run(wechat))["data"]["signInProviderCreate"]
    assert added["userErrors"] == []
    async with running_issuer() as issuer, outside_open("http://127.0.0.1:1"):
        begun = json.loads(await shell.run(oidc.replace("http://127.0.0.1:9091", issuer.url)))

        started = begun["data"]["signInOidcStart"]
        assert started["userErrors"] == []
        assert started["url"].startswith(f"{issuer.url}/authorize?")
    kinds = {provider.kind for provider in await SignInProvider.all()}
    assert kinds == {ProviderKind.WECHAT, ProviderKind.OIDC}
