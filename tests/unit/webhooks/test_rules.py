"""Addresses, signatures, waits and rests."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from headless_presale.kernel.errors import InvalidInput
from headless_presale.webhooks.catalogue import EVENT_TYPES, read_event_types, scopes_for
from headless_presale.webhooks.rules import (
    MAX_ATTEMPTS,
    RETRY_AFTER,
    new_secret,
    read_url,
    rest_after,
    sign,
    wait_after,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "url",
    [
        "https://erp.example.com/hooks",
        "https://erp.example.com:8443/hooks?tenant=1",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]/",
    ],
)
def test_an_address_that_is_taken(url: str) -> None:
    assert read_url(url, allow_private=False) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "erp.example.com/hooks",
        "http://erp.example.com/hooks",
        "ftp://erp.example.com/",
        "https://",
        "https://user@erp.example.com/",
        "https://:secret@erp.example.com/",
        "https://erp.example.com/#part",
        "https://erp.example.com/a b",
        "https://erp.example.com\\@10.0.0.1/",
        "https://erp.example.com/\r\nX-Header: 1",
        "https://erp.example.com/\x00",
        "https://bücher.example/",
        "https://erp.example.com:0/",
        "https://erp.example.com:22/",
        "https://erp.example.com:6379/",
        "https://erp.example.com:99999/",
        "https://localhost/",
        "https://intranet/",
        "https://db.internal/",
        "https://printer.local./",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://erp.example.com/" + "a" * 2_000,
    ],
)
def test_an_address_that_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_url(url, allow_private=False)
    assert refusal.value.field == ("url",)


def test_private_addresses_are_taken_where_they_are_allowed() -> None:
    url = "http://127.0.0.1:3000/hooks"

    assert read_url(url, allow_private=True) == url
    with pytest.raises(InvalidInput):
        read_url("file:///etc/passwd", allow_private=True)


def test_a_secret_is_32_random_bytes_as_standard_webhooks_writes_them() -> None:
    secret = new_secret()

    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret != new_secret()


def test_both_secrets_sign_and_either_verifies() -> None:
    new, old, other = new_secret(), new_secret(), new_secret()
    body = b'{"type":"order.placed"}'
    now = datetime.now(UTC)

    headers = sign([new, old], message_id="msg_1", sent_at=now, body=body)

    assert headers["webhook-timestamp"] == str(int(now.timestamp()))
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (new, old):
        assert Webhook(secret).verify(body, headers) == {"type": "order.placed"}
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(other).verify(body, headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(new).verify(body + b" ", headers)


def test_the_signature_is_the_one_of_the_specification() -> None:
    # The example of the specification's reference implementations.
    headers = sign(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        sent_at=datetime.fromtimestamp(1_614_265_330, UTC),
        body=b'{"test": 2432232314}',
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_waits_follow_the_table_and_are_spread_by_a_fifth() -> None:
    assert [wait_after(n, chance=0.5) for n in range(1, MAX_ATTEMPTS)] == list(RETRY_AFTER)
    assert wait_after(MAX_ATTEMPTS, chance=0.5) is None
    assert wait_after(2, chance=0.0) == timedelta(minutes=4)
    assert wait_after(2, chance=1.0) == timedelta(minutes=6)


def test_what_a_receiver_asks_for_counts_where_it_is_longer_and_at_most_a_day() -> None:
    assert wait_after(1, chance=0.5, asked=timedelta(minutes=1)) == timedelta(minutes=1)
    assert wait_after(2, chance=0.5, asked=timedelta(minutes=1)) == timedelta(minutes=5)
    assert wait_after(1, chance=0.5, asked=timedelta(days=9)) == timedelta(days=1)


def test_a_rest_doubles_and_ends_at_five_minutes() -> None:
    seconds = [rest.total_seconds() if (rest := rest_after(n)) else 0 for n in range(9, 50, 5)]
    assert seconds == [0, 5, 10, 20, 40, 80, 160, 300, 300]
    assert rest_after(9) is None
    assert rest_after(10) == timedelta(seconds=5)
    assert rest_after(1_000_000) == timedelta(minutes=5)


def test_events_are_named_singly_or_by_family() -> None:
    assert read_event_types(["payment.captured", "order.*", "order.*"]) == [
        "order.*",
        "payment.captured",
    ]
    for wrong in (["order.*", "staff.*"], ["*"], ["order"], ["order.placedd"], ["webhook.test"]):
        with pytest.raises(InvalidInput) as refusal:
            read_event_types(wrong)
        assert refusal.value.field == ("event_types", str(len(wrong) - 1))
    with pytest.raises(InvalidInput):
        read_event_types([])


def test_every_event_says_what_one_needs_to_hear_of_it() -> None:
    assert len(EVENT_TYPES) >= 26
    assert scopes_for(EVENT_TYPES) == {"orders:read", "campaigns:read"}
    assert scopes_for(["refund.*"]) == {"orders:read"}
    assert scopes_for(["webhook.test"]) == frozenset()
    assert all(event.description for event in EVENT_TYPES.values())
