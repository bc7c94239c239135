"""The hosted page, used as a person's browser uses it."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.sandbox_gateway.parties import Shop

RETURN_URL = "https://shop.example/thanks?order=7&status=old#top"


def read_form(page: httpx.Response, action: str) -> dict[str, str]:
    """Return what the browser would send when the button ``action`` is pressed."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    assert f'name="action" value="{action}"' in page.text
    return fields | {"action": action}


async def open_page(shop: Shop, intent: dict[str, Any], **query: str) -> httpx.Response:
    page = await shop.client.get(f"/pay/{intent['id']}", params=query)
    assert page.status_code == 200
    return page


async def press(shop: Shop, intent: dict[str, Any], form: dict[str, str]) -> httpx.Response:
    return await shop.client.post(f"/pay/{intent['id']}", data=form)


async def test_the_page_shows_what_is_paid_for(shop: Shop) -> None:
    # Given a description that tries to be markup
    intent = await shop.create_intent(
        amount=1_234_567, description="<script>alert(1)</script> & tea", reference="order-9"
    )

    # When
    page = await open_page(shop, intent)

    # Then
    assert '<html lang="en">' in page.text
    assert "Sandbox: no real money moves" in page.text
    assert "CN¥12,345.67" in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; tea" in page.text
    assert "<script" not in page.text
    assert "order-9" in page.text
    assert re.findall(r"(?:src|href)=", page.text) == []


@pytest.mark.parametrize(
    ("lang", "accept_language", "expected"),
    [
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        (None, "en-GB,zh;q=0.9", "en"),
        (None, "fr, zh-TW;q=0.5, en;q=0.1", "zh-CN"),
        (None, "en;q=0, zh;q=0.1", "zh-CN"),
        (None, "", "en"),
        (None, ";;q=x,,*", "en"),
        ("zh-CN", "en", "zh-CN"),
        ("en", "zh-CN", "en"),
        ("xx", "zh-CN", "zh-CN"),
    ],
)
async def test_the_page_speaks_the_payer_s_language(
    shop: Shop, lang: str | None, accept_language: str, expected: str
) -> None:
    intent = await shop.create_intent()

    page = await shop.client.get(
        f"/pay/{intent['id']}",
        params={} if lang is None else {"lang": lang},
        headers={"accept-language": accept_language},
    )

    assert page.headers["content-language"] == expected
    assert page.headers["vary"] == "Accept-Language"
    assert f'<html lang="{expected}">' in page.text
    assert ("沙盒环境" in page.text) is (expected == "zh-CN")
    assert ("¥123.45" in page.text) is True
    assert f'action="?lang={expected}"' in page.text


@pytest.mark.parametrize(
    ("currency", "shown"),
    [("USD", "$123.45"), ("JPY", "¥12,345"), ("KWD", "KWD\xa012.345"), ("LAK", "LAK\xa0123.45")],
)
async def test_the_amount_has_the_decimals_of_its_currency(
    shop: Shop, currency: str, shown: str
) -> None:
    intent = await shop.create_intent(amount=12_345, currency=currency)

    page = await open_page(shop, intent)

    assert f'<p class="amount">{shown}</p>' in page.text


async def test_the_page_may_load_run_and_frame_nothing(shop: Shop) -> None:
    intent = await shop.create_intent(return_url="https://user:pw@shop.example:8443/a;b?x='y'")

    page = await open_page(shop, intent)

    nonce = re.search(r'<style nonce="([^"]+)">', page.text)
    assert nonce is not None
    assert page.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'nonce-{nonce[1]}';"
        " form-action 'self' https://shop.example:8443; base-uri 'none'; frame-ancestors 'none'"
    )
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert (await open_page(shop, intent)).text.count(nonce[1]) == 0


async def test_pay_returns_to_the_shop_with_the_outcome(shop: Shop) -> None:
    # Given
    intent = await shop.create_intent(return_url=RETURN_URL)
    form = read_form(await open_page(shop, intent), "pay")

    # When
    answer = await press(shop, intent, form)

    # Then
    assert answer.status_code == 303
    assert answer.headers["location"] == (
        f"https://shop.example/thanks?order=7&payment_intent={intent['id']}&status=succeeded#top"
    )
    assert (await shop.get_intent(intent["id"]))["status"] == "succeeded"
    after = await open_page(shop, intent)
    assert "Paid. Thank you!" in after.text
    assert "<button" not in after.text
    assert "Back to the shop" in after.text


async def test_without_a_return_url_the_page_itself_tells_the_outcome(shop: Shop) -> None:
    # Given
    intent = await shop.create_intent()
    form = read_form(await open_page(shop, intent, lang="zh-CN"), "pay")

    # When
    answer = await shop.client.post(f"/pay/{intent['id']}", params={"lang": "zh-CN"}, data=form)
    assert answer.next_request is not None
    after = await shop.client.send(answer.next_request)

    # Then
    assert answer.status_code == 303
    assert after.status_code == 200
    assert "付款成功" in after.text
    assert "<button" not in after.text


async def test_a_declined_card_can_be_tried_again(shop: Shop) -> None:
    # Given
    intent = await shop.create_intent()

    # When
    await press(shop, intent, read_form(await open_page(shop, intent), "fail"))
    declined = await open_page(shop, intent)
    await press(shop, intent, read_form(declined, "pay"))

    # Then
    assert "The card was declined." in declined.text
    assert await shop.event_types_of(intent["id"]) == [
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ]


async def test_leaving_changes_nothing(shop: Shop) -> None:
    # Given
    with_url = await shop.create_intent(return_url=RETURN_URL)
    without = await shop.create_intent()

    # When
    to_shop = await press(shop, with_url, read_form(await open_page(shop, with_url), "abandon"))
    to_page = await press(shop, without, read_form(await open_page(shop, without), "abandon"))

    # Then
    assert to_shop.headers["location"].endswith("&status=requires_payment#top")
    assert to_page.next_request is not None
    page = await shop.client.send(to_page.next_request)
    assert "You left without paying. You can still pay here." in page.text
    for intent in (with_url, without):
        assert await shop.get_intent(intent["id"]) == intent
        assert await shop.event_types_of(intent["id"]) == []


@pytest.mark.parametrize(
    ("action", "event_type"),
    [("pay", "payment_intent.succeeded"), ("fail", "payment_intent.payment_failed")],
)
async def test_fifty_clicks_do_one_thing(shop: Shop, action: str, event_type: str) -> None:
    # Given
    intent = await shop.create_intent(return_url=RETURN_URL)
    form = read_form(await open_page(shop, intent), action)

    # When
    answers = await asyncio.gather(*(press(shop, intent, form) for _ in range(50)))

    # Then every click goes to the same place
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await shop.event_types_of(intent["id"]) == [event_type]
    assert len(await shop.receiver.wait_for(intent["id"], 1)) == 1


async def test_another_button_on_an_old_page_asks_again(shop: Shop) -> None:
    # Given a page left open while the card was declined in another tab
    intent = await shop.create_intent(return_url=RETURN_URL)
    old = await open_page(shop, intent)
    await press(shop, intent, read_form(old, "fail"))

    # When
    answer = await press(shop, intent, read_form(old, "pay"))

    # Then nothing is taken; the page is shown afresh
    assert answer.headers["location"] == f"{intent['id']}?lang=en&notice=stale"
    assert answer.next_request is not None
    page = await shop.client.send(answer.next_request)
    assert "This page was out of date." in page.text
    assert (await shop.get_intent(intent["id"]))["status"] == "failed"
    await press(shop, intent, read_form(page, "pay"))
    assert (await shop.get_intent(intent["id"]))["status"] == "succeeded"


async def test_a_page_opened_too_early_does_not_pay_what_is_cancelled(shop: Shop) -> None:
    # Given
    intent = await shop.create_intent(return_url=RETURN_URL)
    form = read_form(await open_page(shop, intent), "pay")
    await shop.post(f"/v1/payment_intents/{intent['id']}/cancel")

    # When
    answer = await press(shop, intent, form)

    # Then
    assert answer.headers["location"].endswith("&status=cancelled#top")
    page = await open_page(shop, intent)
    assert "cancelled by the shop" in page.text
    assert "<button" not in page.text
    assert await shop.event_types_of(intent["id"]) == ["payment_intent.cancelled"]


async def test_an_expired_page_says_so(shop: Shop) -> None:
    # Given
    expires_at = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
    intent = await shop.create_intent(expires_at=expires_at)
    page = await open_page(shop, intent)
    form = read_form(page, "pay")
    assert "Pay before" in page.text

    # When
    await asyncio.sleep(0.3)
    answer = await press(shop, intent, form)

    # Then
    assert answer.status_code == 303
    after = await open_page(shop, intent)
    assert "The time to pay has passed." in after.text
    assert "<button" not in after.text
    assert await shop.event_types_of(intent["id"]) == ["payment_intent.cancelled"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"token": "AAAA"}, 403),
        ({"token": ""}, 422),
        ({"token": "\u00e9"}, 422),
        ({"attempt": "1"}, 403),
        ({"attempt": "-1"}, 422),
        ({"attempt": "9" * 5_000}, 403),
        ({"action": "refund"}, 422),
        ({"padding": "x" * 70_000}, 413),
    ],
)
async def test_a_forged_form_is_refused(shop: Shop, change: dict[str, str], status: int) -> None:
    # Given
    intent = await shop.create_intent()
    form = read_form(await open_page(shop, intent), "pay") | change

    # When
    answer = await press(shop, intent, form)

    # Then
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert await shop.get_intent(intent["id"]) == intent


async def test_the_form_of_one_payment_does_not_pay_another(shop: Shop) -> None:
    mine, theirs = await shop.create_intent(), await shop.create_intent()
    form = read_form(await open_page(shop, mine), "pay")

    answer = await press(shop, theirs, form)

    assert answer.status_code == 403
    assert await shop.get_intent(theirs["id"]) == theirs
    assert await shop.get_intent(mine["id"]) == mine


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b'{"action":"pay"}', "application/json", 415),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"\xff\xff", "application/x-www-form-urlencoded", 422),
        (b"a=1&" * 50, "application/x-www-form-urlencoded", 422),
    ],
)
async def test_a_damaged_form_is_refused(
    shop: Shop, content: bytes, content_type: str, status: int
) -> None:
    intent = await shop.create_intent()

    answer = await shop.client.post(
        f"/pay/{intent['id']}", content=content, headers={"content-type": content_type}
    )

    assert answer.status_code == status
    assert await shop.get_intent(intent["id"]) == intent


async def test_an_unknown_payment_is_told_in_the_payer_s_language(shop: Shop) -> None:
    page = await shop.client.get("/pay/pi_nobody", headers={"accept-language": "zh"})

    assert page.status_code == 404
    assert "找不到此付款" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
