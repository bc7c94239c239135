"""A plain address is read as the library reads it."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from headless_presale.kernel.mail_addresses import normal_address

LETTERS = "aZ09!#$%&'*+/=?^_`{|}~-.@\"( )\\<>[]:;,é中\u0300\x00\n"
DOMAINS = (
    *("example.com", "EXAMPLE.com", "bücher.example", "xn--bcher-kva.example", "a.b.c.example.org"),
    *("localhost", "test", "a..b", "-a.com", "a-.com", "a_b.com", "[127.0.0.1]", "1.2.3.4", ""),
    *("example.com.", "x" * 63 + ".com", "x" * 64 + ".com", ("x" * 60 + ".") * 4 + "com"),
)


def by_the_library(text: str) -> str | None:
    """Return the normal form, or None for what is no address."""
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def by_us(text: str) -> str | None:
    """Return the same of ours."""
    try:
        return normal_address(text)
    except EmailNotValidError:
        return None


@given(
    st.one_of(
        st.text(LETTERS, max_size=20),
        st.builds("{}@{}".format, st.text(LETTERS, max_size=12), st.sampled_from(DOMAINS)),
        st.builds("{}@{}".format, st.text(LETTERS, max_size=6), st.text(LETTERS, max_size=12)),
    )
)
@example("Postmaster@example.com")
@example("a" * 64 + "@example.com")
@example("a" * 65 + "@example.com")
@example("a" * 60 + "@" + ("x" * 48 + ".") * 4 + "com")
@example("a" * 5 + "@" + ("x" * 60 + ".") * 4 + "com")
@example("a\n@example.com")
def test_it_is_what_the_library_says(text: str) -> None:
    assert by_us(text) == by_the_library(text)


@pytest.mark.parametrize("address", ["Ann.Lee+x@Example.COM", "o'neil@例え.jp"])
def test_the_domain_is_put_in_its_normal_form(address: str) -> None:
    assert normal_address(address) == by_the_library(address)
