"""Secrets at rest: closed, of one purpose, and of no use when altered."""

import base64
from collections.abc import Iterator

import pytest

from headless_presale.kernel import vault
from headless_presale.kernel.vault import SealBroken, derive_key, seal, set_secret_key, unseal

KEY = "a secret key of these tests"


@pytest.fixture(autouse=True)
def secret_key() -> Iterator[None]:
    before = vault._secret
    set_secret_key(KEY)
    yield
    set_secret_key(before.decode() if before is not None else None)


def test_what_is_sealed_is_read_again() -> None:
    assert unseal("webhooks", seal("webhooks", "密钥 whsec_1")) == "密钥 whsec_1"


def test_what_is_sealed_does_not_show_and_is_never_twice_the_same() -> None:
    first, second = seal("totp", "JBSWY3DPEHPK3PXP"), seal("totp", "JBSWY3DPEHPK3PXP")

    assert "JBSWY3DPEHPK3PXP" not in first
    assert first != second


def test_what_is_sealed_for_one_purpose_does_not_open_for_another() -> None:
    with pytest.raises(SealBroken):
        unseal("signing-keys", seal("webhooks", "whsec_1"))


def test_what_was_altered_does_not_open() -> None:
    # Of the bytes, not of their letters: some bits of the last letter of base64 carry nothing.
    sealed = base64.urlsafe_b64decode(seal("webhooks", "whsec_1"))
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(SealBroken):
            unseal("webhooks", base64.urlsafe_b64encode(altered).decode())


def test_another_secret_key_opens_nothing() -> None:
    sealed = seal("webhooks", "whsec_1")
    set_secret_key(f"{KEY}.")

    with pytest.raises(SealBroken):
        unseal("webhooks", sealed)


def test_each_purpose_has_a_key_of_its_own_and_always_the_same() -> None:
    assert derive_key("csrf") == derive_key("csrf")
    assert derive_key("csrf") != derive_key("totp")
    assert len(derive_key("csrf")) == 32


def test_without_a_secret_key_nothing_is_sealed() -> None:
    set_secret_key(None)

    with pytest.raises(RuntimeError, match="no secret key is installed"):
        seal("webhooks", "whsec_1")
