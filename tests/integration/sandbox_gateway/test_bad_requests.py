"""Damaged and hostile requests get a clear 4xx and change nothing."""

from typing import Any

import pytest

from tests.integration.sandbox_gateway.parties import Shop

GOOD: dict[str, Any] = {"amount": 100, "currency": "USD", "reference": "bad-requests"}


async def _intents(shop: Shop) -> list[Any]:
    listed: list[Any] = (await shop.get("/v1/payment_intents", reference=GOOD["reference"]))["data"]
    return listed


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"amount": 0}, "invalid_field", "amount"),
        ({"amount": -5}, "invalid_field", "amount"),
        ({"amount": 1.5}, "invalid_field", "amount"),
        ({"amount": "100"}, "invalid_field", "amount"),
        ({"amount": True}, "invalid_field", "amount"),
        ({"amount": 10**12}, "invalid_field", "amount"),
        ({"amount": 10**40}, "invalid_field", "amount"),
        ({"amount": None}, "invalid_field", "amount"),
        ({"currency": "usd"}, "invalid_field", "currency"),
        ({"currency": "XAU"}, "invalid_field", "currency"),
        ({"currency": "ABC"}, "invalid_field", "currency"),
        ({"reference": ""}, "invalid_field", "reference"),
        ({"reference": "x" * 201}, "invalid_field", "reference"),
        ({"reference": "a\x00b"}, "invalid_field", "reference"),
        ({"description": "x" * 501}, "invalid_field", "description"),
        ({"return_url": "javascript:alert(1)"}, "invalid_field", "return_url"),
        ({"return_url": "/thanks"}, "invalid_field", "return_url"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "invalid_field", "expires_at"),
        ({"expires_at": "2100-01-01T00:00:00"}, "invalid_field", "expires_at"),
        ({"expires_at": "tomorrow"}, "invalid_field", "expires_at"),
        ({"metadata": {"n": 1}}, "invalid_field", "metadata.n"),
        ({"metadata": {str(n): "" for n in range(51)}}, "invalid_field", "metadata"),
        ({"status": "succeeded"}, "unknown_field", "status"),
    ],
)
async def test_a_bad_field_is_named(
    shop: Shop, change: dict[str, Any], code: str, field: str
) -> None:
    answer = await shop.post("/v1/payment_intents", GOOD | change)

    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == (code, field)
    assert error["message"]
    assert await _intents(shop) == []


@pytest.mark.parametrize("missing", ["amount", "currency", "reference"])
async def test_a_missing_field_is_named(shop: Shop, missing: str) -> None:
    body = {name: value for name, value in GOOD.items() if name != missing}

    answer = await shop.post("/v1/payment_intents", body)

    assert answer.status_code == 422
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == (
        "missing_field",
        missing,
    )
    assert await _intents(shop) == []


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"", "application/json", 400, "invalid_json"),
        (b"{", "application/json", 400, "invalid_json"),
        (b"\xff\xfe", "application/json", 400, "invalid_json"),
        (b'{"reference": "\\ud800"}', "application/json", 400, "invalid_json"),
        (b"[" * 10_000, "application/json", 400, "invalid_json"),
        (b"[]", "application/json", 422, "invalid_field"),
        (b"null", "application/json", 422, "invalid_field"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b'{"reference": "' + b"x" * 70_000 + b'"}', "application/json", 413, "body_too_large"),
    ],
)
async def test_a_damaged_body_is_refused(
    shop: Shop, content: bytes, content_type: str, status: int, code: str
) -> None:
    answer = await shop.client.post(
        "/v1/payment_intents", content=content, headers={"content-type": content_type}
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await _intents(shop) == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/payment_intents/pi_nobody", 404, "not_found"),
        ("GET", "/v1/payment_intents/%00%ff", 404, "not_found"),
        ("POST", "/v1/payment_intents/pi_nobody/cancel", 404, "not_found"),
        ("POST", "/v1/test_helpers/payment_intents/pi_nobody/pay", 404, "not_found"),
        ("GET", "/v1/refunds/re_nobody", 404, "not_found"),
        ("GET", "/v1/payment_intents?starting_after=pi_nobody", 404, "not_found"),
        ("GET", "/v1/refunds?starting_after=re_nobody", 404, "not_found"),
        ("GET", "/v1/events?after=evt_nobody", 404, "not_found"),
        ("GET", "/v1/payment_intents?limit=0", 422, "invalid_field"),
        ("GET", "/v1/payment_intents?limit=101", 422, "invalid_field"),
        ("GET", "/v1/payment_intents?limit=ten", 422, "invalid_field"),
        ("GET", "/v1/payment_intents?limit=1&limit=2", 422, "repeated_field"),
        ("GET", "/v1/payment_intents?status=paid", 422, "unknown_field"),
        ("GET", "/v1/payment_intents?created_after=yesterday", 422, "invalid_field"),
        ("GET", "/v1/payment_intents?created_after=2030-01-01T00:00:00", 422, "invalid_field"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("DELETE", "/v1/payment_intents", 405, "method_not_allowed"),
        ("GET", "/v1/test_helpers/outage", 405, "method_not_allowed"),
    ],
)
async def test_an_address_that_leads_nowhere_says_so(
    shop: Shop, method: str, path: str, status: int, code: str
) -> None:
    answer = await shop.client.request(method, path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("webhooks", {"copies": 0}),
        ("webhooks", {"copies": 21}),
        ("webhooks", {"order": "random"}),
        ("webhooks", {"delay_seconds": -1}),
        ("webhooks", {"paused": "yes"}),
        ("webhooks", {"unknown": 1}),
        ("webhooks/redeliver", {}),
        ("refunds", {"outcome": "explode"}),
        ("refunds", {"delay_seconds": 1e9}),
        ("outage", {"mode": "error_500"}),
        ("outage", {"mode": "none", "requests": 3}),
        ("outage", {"mode": "fire", "requests": 1}),
    ],
)
async def test_a_test_helper_refuses_what_it_does_not_know(
    shop: Shop, path: str, body: dict[str, Any]
) -> None:
    answer = await shop.post(f"/v1/test_helpers/{path}", body)

    assert answer.status_code == 422
    # And nothing is paused, delayed or out
    intent = await shop.create_paid_intent(reference="after-refused-control")
    assert len(await shop.receiver.wait_for(intent["id"], 1)) == 1


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong-key", "Basic rehearsal-api-key", "rehearsal-api-key"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/payment_intents"),
        ("GET", "/v1/events"),
        ("POST", "/v1/test_helpers/webhooks/flush"),
        ("GET", "/v1/nothing"),
    ],
)
async def test_no_key_no_service(
    shop: Shop, method: str, path: str, authorization: str | None
) -> None:
    request = shop.client.build_request(method, path, json=GOOD)
    del request.headers["authorization"]
    if authorization is not None:
        request.headers["authorization"] = authorization

    answer = await shop.client.send(request)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert await _intents(shop) == []


async def test_health_needs_no_key(shop: Shop) -> None:
    request = shop.client.build_request("GET", "/healthz")
    del request.headers["authorization"]

    answer = await shop.client.send(request)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
