"""Who may tell us: signatures over the raw bytes, and nobody else."""

import time

import asyncpg
import httpx
import orjson
import pytest

from headless_presale.payments import Payment
from tests.integration.payments.deliveries import (
    assert_paid_once,
    assert_untouched,
    deliver,
    event_about,
    signed,
    tell,
)

pytestmark = pytest.mark.usefixtures("clock")


class TestSignatures:
    async def test_a_signed_body_counts(
        self, shop: httpx.AsyncClient, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        assert await tell(shop, event_about(payment)) == (200, "captured")
        await assert_paid_once(database_admin, payment)

    @pytest.mark.parametrize("position", [0, 40, -1])
    async def test_one_flipped_byte_is_refused(
        self,
        shop: httpx.AsyncClient,
        payment: Payment,
        database_admin: asyncpg.Connection,
        position: int,
    ) -> None:
        body = orjson.dumps(event_about(payment))
        changed = bytearray(body)
        changed[position] ^= 1

        assert await deliver(shop, bytes(changed), signed(body)) == (401, None)
        await assert_untouched(database_admin, payment)

    async def test_the_same_json_in_other_bytes_is_refused(
        self, shop: httpx.AsyncClient, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        event = event_about(payment)
        spaced = orjson.dumps(event, option=orjson.OPT_INDENT_2)

        assert await deliver(shop, spaced, signed(orjson.dumps(event))) == (401, None)
        await assert_untouched(database_admin, payment)

    @pytest.mark.parametrize("minutes", [-6, 6])
    async def test_an_old_or_early_timestamp_is_refused(
        self,
        shop: httpx.AsyncClient,
        payment: Payment,
        database_admin: asyncpg.Connection,
        minutes: int,
    ) -> None:
        body = orjson.dumps(event_about(payment))
        headers = signed(body, at=time.time() + minutes * 60)

        assert await deliver(shop, body, headers) == (401, None)
        await assert_untouched(database_admin, payment)

    @pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    async def test_a_missing_header_is_refused(
        self,
        shop: httpx.AsyncClient,
        payment: Payment,
        database_admin: asyncpg.Connection,
        missing: str,
    ) -> None:
        body = orjson.dumps(event_about(payment))
        headers = signed(body)
        del headers[missing]

        assert await deliver(shop, body, headers) == (401, None)
        await assert_untouched(database_admin, payment)

    @pytest.mark.parametrize(
        "signature", ["", "v1", "v1,", "v1,####", "v2,AAAA", "v1,AAAA v1,BBBB", "nonsense"]
    )
    async def test_a_signature_of_another_form_is_refused(
        self,
        shop: httpx.AsyncClient,
        payment: Payment,
        database_admin: asyncpg.Connection,
        signature: str,
    ) -> None:
        body = orjson.dumps(event_about(payment))
        headers = signed(body) | {"webhook-signature": signature}

        assert await deliver(shop, body, headers) == (401, None)
        await assert_untouched(database_admin, payment)

    async def test_another_secret_is_refused(
        self, shop: httpx.AsyncClient, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        body = orjson.dumps(event_about(payment))
        headers = signed(body, secret="whsec_YW5vdGhlci1zZWNyZXQtYW5vdGhlci1zZWNyZXQ=")

        assert await deliver(shop, body, headers) == (401, None)
        await assert_untouched(database_admin, payment)

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b"null", b'"text"', b"{", b"\xff\xfe", b'{"id":"evt_1"}']
        + [b'{"id":"evt_1","type":"payment_intent.succeeded","data":%s}' % data
           for data in (b"null", b"[]", b'{"object":null}', b'{"object":{"id":"pi"}}')],
    )  # fmt: skip
    async def test_a_body_that_cannot_be_read_is_refused(
        self,
        shop: httpx.AsyncClient,
        payment: Payment,
        database_admin: asyncpg.Connection,
        body: bytes,
    ) -> None:
        headers = signed(body) if body.isascii() else signed(b"{}")

        assert await deliver(shop, body, headers) == (401, None)
        await assert_untouched(database_admin, payment)

    async def test_an_unknown_gateway_is_not_found(
        self, shop: httpx.AsyncClient, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        body = orjson.dumps(event_about(payment))

        response = await shop.post("/webhooks/payments/nobody", content=body, headers=signed(body))

        assert response.status_code == 404
        assert response.json() == {"error": {"code": "GATEWAY_UNKNOWN"}}
        await assert_untouched(database_admin, payment)
