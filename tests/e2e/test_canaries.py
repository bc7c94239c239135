"""Secrets and people's data: in no log of a busy shop, nor in what strangers are answered.

Three real processes write all they can say, at level DEBUG, while everything goes right and wrong:
orders, payments, sign-ins, a refused row, a gateway and a mail server that are dead, requests that
make no sense. What was secret or somebody's own is then looked for, in each way it can be written.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import asyncpg
import httpx
import pytest
import structlog
from redis.asyncio import Redis
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from headless_presale.identity import Role, add_member, set_issuer
from headless_presale.kernel import clock
from headless_presale.kernel.logs import configure_logs
from headless_presale.kernel.vault import set_secret_key
from resolvers.global_ids import seal
from tests.conftest import SECRET_KEY
from tests.e2e.canaries import (
    DATABASE_PASSWORD,
    GATEWAY_KEY,
    GATEWAY_SECRET,
    MAIL,
    NAME,
    OTHER_MAIL,
    PHONE,
    SMTP_PASSWORD,
    STAFF_MAIL,
    STREET,
    WRONG_PASSWORD,
    Run,
    leaks,
)
from tests.graphql.customers import ME, REDEEM, REFRESH, REQUEST, mailed_code
from tests.graphql.ordering import CANCEL, ORDER, PLACE, START
from tests.support.accounts import PASSWORD, make_person
from tests.support.processes import ApiProcess, ProductProcess, free_port, until_ready
from tests.support.servers import until
from tests.support.shop import TERMS, make_shop, open_sale
from tests.support.staff import sign_in

START_SECONDS = 120
REFUSE_ROWS = (
    "ALTER TABLE sales_order ADD CONSTRAINT refused "
    f"CHECK (buyer ->> 'email' <> '{OTHER_MAIL}') NOT VALID"
)
CLIENT = """mutation ($input: ApiClientCreateInput!) {
  apiClientCreate(input: $input) { secret client { clientId } userErrors { code } } }"""
ENDPOINT = """mutation ($input: WebhookEndpointCreateInput!) {
  webhookEndpointCreate(input: $input) { secret userErrors { code } } }"""
ORDERS = (
    "{ merchant { orders(first: 5) { nodes { id } } auditLog(first: 20) { nodes { action } } } }"
)
NODE = "query ($id: ID!) { node(id: $id) { __typename } }"


@pytest.fixture
async def run(
    database: str, worker_database_url: str, redis: Redis, redis_url: str, tmp_path: Path
) -> AsyncIterator[Run]:
    port = free_port()
    own = worker_database_url.replace("postgres@", f"postgres:{DATABASE_PASSWORD}@", 1)
    assert DATABASE_PASSWORD in own
    settings = {
        "DATABASE_URL": own,
        "REDIS_URL": redis_url,
        "PRESALE_DATA_DIR": str(tmp_path),
        "PRESALE_SECRET_KEY": SECRET_KEY,
        "PRESALE_LOG_LEVEL": "DEBUG",
        "PRESALE_LOG_FORMAT": "json",
        "PRESALE_MAIL_TRANSPORT": "smtp",
        "PRESALE_SMTP_PORT": str(free_port()),
        "PRESALE_SMTP_USERNAME": "shop",
        "PRESALE_SMTP_PASSWORD": SMTP_PASSWORD,
        "PRESALE_SANDBOX_GATEWAY_URL": f"http://127.0.0.1:{port}",
        "PRESALE_SANDBOX_GATEWAY_API_KEY": GATEWAY_KEY,
        "PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET": GATEWAY_SECRET,
        "PRESALE_WEBHOOKS_ALLOW_PRIVATE": "true",
    }
    async with AsyncExitStack() as stack:
        api = stack.enter_context(ApiProcess(own, redis_url, tmp_path, settings))
        worker = stack.enter_context(ProductProcess(["worker"], settings, tmp_path / "worker.log"))
        gateway = stack.enter_context(
            ProductProcess(
                ["sandbox-gateway"],
                {
                    "SANDBOX_GATEWAY_PORT": str(port),
                    "SANDBOX_GATEWAY_API_KEY": GATEWAY_KEY,
                    "SANDBOX_GATEWAY_WEBHOOK_SECRET": GATEWAY_SECRET,
                    "SANDBOX_GATEWAY_WEBHOOK_URL": f"{api.url}/webhooks/payments/sandbox",
                    "SANDBOX_GATEWAY_DATA_FILE": str(tmp_path / "gateway.sqlite3"),
                    "PRESALE_LOG_LEVEL": "DEBUG",
                },
                tmp_path / "gateway.log",
            )
        )
        set_secret_key(SECRET_KEY)
        set_issuer(api.url)
        ships_by = (clock.now().replace(microsecond=0)).date().replace(year=clock.now().year + 1)
        sale = await open_sale(
            item={"batches": [{"capacity": 50, "ships_by": ships_by}]},
            terms={**TERMS, "ships_by": ships_by},
        )
        await add_member(sale.shop.merchant_id, await make_person(STAFF_MAIL), Role.OWNER)
        staff = await sign_in(sale.shop, email="other.staff@personal.example")
        stranger = await sign_in(await make_shop("elsewhere"))
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=api.url, trust_env=False, timeout=60)
        )
        for process, url in (
            (api, f"{api.url}/readyz"),
            (gateway, f"http://127.0.0.1:{port}/healthz"),
        ):
            await until_ready(url, process, seconds=START_SECONDS)
        seen = Run(client, api, worker, gateway, sale, staff, stranger)
        seen.keep(
            mail=MAIL,
            name=NAME,
            phone=PHONE,
            street=STREET,
            staff_mail=STAFF_MAIL,
            password=PASSWORD,
            wrong_password=WRONG_PASSWORD,
            secret_key=SECRET_KEY,
            database_password=DATABASE_PASSWORD,
            smtp_password=SMTP_PASSWORD,
            gateway_key=GATEWAY_KEY,
            gateway_secret=GATEWAY_SECRET,
            staff_token=staff.token,
            stranger_token=stranger.token,
        )
        yield seen


async def sign_staff_in(run: Run, password: str) -> None:
    """Send the form of the sign-in page."""
    page = await run.client.get("/sign-in", headers={"accept": "text/html"})
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf is not None
    form = {"email": STAFF_MAIL, "password": password, "csrf": csrf[1]}
    answer = await run.client.post("/sign-in", data=form)
    assert answer.status_code in (303, 422)


async def work_for_the_merchant(run: Run) -> None:
    await sign_staff_in(run, WRONG_PASSWORD)
    await sign_staff_in(run, PASSWORD)
    for cookie in run.client.cookies.jar:
        run.keep(**{f"cookie {cookie.name}": cookie.value or ""})
    run.client.cookies.clear()

    wish = {"name": "WMS", "kind": "SERVICE", "scopes": ["orders:read"]}
    made = (await run.ask(CLIENT, bearer=run.staff.token, input=wish))["data"]["apiClientCreate"]
    run.keep(client_secret=made["secret"])
    for secret in (made["secret"], "canary-wrong-client-secret"):
        grant = {"grant_type": "client_credentials", "scope": "orders:read"}
        credentials = (made["client"]["clientId"], secret)
        answer = await run.client.post("/oauth/token", data=grant, auth=credentials)
        if secret == made["secret"]:
            run.keep(client_token=answer.json()["access_token"])
        else:
            run.told.append(answer.text)
    run.keep(wrong_client_secret="canary-wrong-client-secret")

    hooks = {"url": f"http://127.0.0.1:{free_port()}/hooks", "eventTypes": ["order.*"]}
    made = (await run.ask(ENDPOINT, bearer=run.staff.token, input=hooks))["data"]
    run.keep(endpoint_secret=made["webhookEndpointCreate"]["secret"])
    headers = {"authorization": f"Bearer {run.staff.token}"}
    await run.client.post(
        f"/uploads/media?shop={run.sale.shop.slug}",
        files={"file": (f"{NAME}.png", b"no picture")},
        headers=headers,
    )


async def buy(run: Run, admin: asyncpg.Connection) -> dict[str, Any]:
    placed = (await run.ask(PLACE, input=run.order_input("a")))["data"]["orderPlace"]
    key = {"id": placed["order"]["id"], "token": placed["orderToken"]}
    run.keep(order_token=key["token"])
    own = await run.client.get("/graphql", params={"query": ORDER, "variables": json.dumps(key)})
    assert MAIL in own.text
    pay = {"orderId": key["id"], "token": key["token"], "leg": "FULL", "gateway": "sandbox"}
    paid = await run.ask(START, input={**pay, "idempotencyKey": "pay"})
    assert paid["data"]["paymentStart"]["userErrors"] == []

    # What makes no sense, with a buyer's data in it.
    for changes in (
        {"buyer": MAIL},
        {"buyer": {"email": NAME, "name": MAIL}},
        {"lines": [{"campaignItemId": MAIL, "quantity": STREET}]},
        {"idempotencyKey": {"phone": PHONE}},
        {"shop": MAIL},
    ):
        await run.ask(PLACE, input=run.order_input("b", **changes))
    broken = json.dumps({"query": PLACE, "variables": {"input": run.order_input("c")}})[:-9]
    await run.client.post("/graphql", content=broken, headers={"content-type": "application/json"})

    # A defect of ours, of the worst kind: the database's error has the row in it.
    await admin.execute(REFUSE_ROWS)
    buyer = {"email": OTHER_MAIL, "name": NAME, "phone": PHONE}
    refused = await run.ask(PLACE, input=run.order_input("d", buyer=buyer))
    await admin.execute("ALTER TABLE sales_order DROP CONSTRAINT refused")
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["INTERNAL"]
    run.told.append(json.dumps(refused))

    # The gateway dies.
    run.gateway.kill()
    other = (await run.ask(PLACE, input=run.order_input("e")))["data"]["orderPlace"]
    pay |= {"orderId": other["order"]["id"], "token": other["orderToken"]}
    run.keep(other_order_token=other["orderToken"])
    await run.ask(START, input={**pay, "idempotencyKey": "pay again"})
    await run.ask(CANCEL, input={"orderId": key["id"], "token": key["token"], "reason": NAME})
    forged = {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,YQ=="}
    notice = json.dumps({"data": {"email": MAIL}})
    await run.client.post("/webhooks/payments/sandbox", content=notice, headers=forged)
    return key


async def sign_in_as_customer(run: Run) -> None:
    mail = {"shop": run.sale.shop.slug, "email": MAIL}
    asked = (await run.ask(REQUEST, input=mail))["data"]["signInCodeRequest"]
    assert asked["userErrors"] == []
    code = await mailed_code(run.sale.shop, MAIL)
    await run.ask(REDEEM, input={**mail, "code": "000000" if code != "000000" else "111111"})
    session = (await run.ask(REDEEM, input={**mail, "code": code}))["data"]["signInCodeRedeem"]
    run.keep(customer_token=session["accessToken"], refresh_token=session["refreshToken"])
    assert MAIL in json.dumps(await run.ask(ME, bearer=session["accessToken"]))
    renewed = await run.ask(REFRESH, input={"refreshToken": session["refreshToken"]})
    run.keep(next_refresh_token=renewed["data"]["sessionRefresh"]["refreshToken"])
    for token in ("nonsense " + MAIL, session["refreshToken"]):
        await run.ask(REFRESH, input={"refreshToken": token})

    address = f"{run.api.url.replace('http', 'ws', 1)}/graphql?token={session['accessToken']}"
    async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        params = {"authorization": f"Bearer {session['accessToken']}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": params}))
        assert json.loads(await asyncio.wait_for(socket.recv(), 60))["type"] == "connection_ack"
        payload = {"query": PLACE, "variables": {"input": {"buyer": MAIL}}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        await asyncio.wait_for(socket.recv(), 60)
        await socket.send(f"no message, but {MAIL}")


async def pry(run: Run, key: dict[str, Any]) -> None:
    """Ask as strangers do: with no token, another one's, a wrong one."""
    for bearer in (None, run.stranger.token):
        await run.overhear(ORDER, bearer=bearer, id=key["id"], token="wrong")
        await run.overhear(NODE, bearer=bearer, id=key["id"])
        await run.overhear(ME, bearer=bearer)
        await run.overhear(ORDERS, bearer=bearer)
        for kind in ("Customer", "Shop", "Payment"):
            await run.overhear(NODE, bearer=bearer, id=seal(kind, run.sale.shop.id))
    for path in ("/metrics", "/readyz", "/livez", "/schema.graphql", "/sign-in", "/nothing"):
        run.told.append((await run.client.get(path)).text)


def said(process: ProductProcess) -> str:
    """Return all that a process has written."""
    return process.log.read_text(errors="replace")


async def until_jobs_were_tried(run: Run, admin: asyncpg.Connection) -> None:
    """Wait until the worker has tried what there is to do, and mails and webhooks have failed."""

    async def tried() -> bool:
        counts = await admin.fetchrow(
            "SELECT count(*) FILTER (WHERE attempts = 0"
            "                        AND coalesce(scheduled_at, now()) <= now()) AS waiting,"
            "       count(*) FILTER (WHERE attempts > 0) AS failing"
            " FROM procrastinate_jobs WHERE status = 'todo'"
        )
        assert counts is not None
        has_failed = counts["failing"] > 0 and "webhooks.attempted" in said(run.worker)
        return bool(counts["waiting"] == 0 and has_failed)

    await until(tried, seconds=START_SECONDS)


@pytest.mark.timeout(600)
async def test_what_is_secret_or_personal_is_in_no_log_and_no_strangers_answer(
    run: Run, database_admin: asyncpg.Connection
) -> None:
    await work_for_the_merchant(run)
    key = await buy(run, database_admin)
    await sign_in_as_customer(run)
    await pry(run, key)
    await until_jobs_were_tried(run, database_admin)

    assert len(run.canaries) >= 24
    assert leaks("\n".join(run.told), run.canaries) == []
    logs = {
        name: said(process)
        for name, process in (("api", run.api), ("worker", run.worker), ("gateway", run.gateway))
    }
    found = {name: leaks(text, run.canaries | {"other": OTHER_MAIL}) for name, text in logs.items()}
    assert found == {name: [] for name in logs}
    # They had something to say, also of what went wrong.
    assert logs["api"].count('"http.request"') >= 30
    for event in ("graphql.error_masked", "refused", "payments.gateway_failed"):
        assert event in logs["api"], event


@pytest.mark.usefixtures("logs_as_before")
def test_control_what_is_logged_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    canaries = {"name": NAME, "mail": MAIL, "street": STREET}
    for log_format in ("json", "console"):
        configure_logs(log_format=log_format, level="DEBUG")
        log = structlog.stdlib.get_logger("canary")
        log.debug("harmless", name="Bird", mail="bird@personal.example")
        assert leaks(capsys.readouterr().err, canaries) == []
        for name, canary in canaries.items():
            log.debug("deliberate", value={"of": [canary]})
            (found,) = leaks(capsys.readouterr().err, canaries)
            assert found.startswith(name)
    assert leaks(f"GET /graphql?email={quote_plus(NAME)}", canaries) != []
    assert leaks(json.dumps({"body": json.dumps({"name": NAME})}), canaries) != []
