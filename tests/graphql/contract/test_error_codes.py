"""Every code a client can get is in the schema, and speaks every language."""

import importlib
import inspect
import pkgutil
import re
import string

import pytest
from graphql import GraphQLInterfaceType

import headless_presale
from headless_presale.campaigns import judging
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.locales import SUPPORTED_LOCALES
from resolvers.messages import MESSAGES, SHIPS_BY, SHIPS_WITHIN, STATUS_WORDS
from schema.enums import CampaignFaultCode, ErrorCode
from tests.graphql.contract.reading import GRAPHQL


def domain_errors() -> set[type[DomainError]]:
    """Return every kind of domain error that the project defines, wherever it is."""
    for module in pkgutil.walk_packages(headless_presale.__path__, "headless_presale."):
        if not module.name.rpartition(".")[2].startswith(("__main__", "0")):
            importlib.import_module(module.name)
    found: set[type[DomainError]] = set()
    open_kinds = [DomainError]
    while open_kinds:
        kinds = open_kinds.pop().__subclasses__()
        found.update(kinds)
        open_kinds += kinds
    # A base without a code of its own is never raised.
    return {
        kind
        for kind in found
        if kind.__module__.startswith("headless_presale.") and hasattr(kind, "code")
    }


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_domain_code_is_in_the_enum_and_nothing_else() -> None:
    assert {kind.code for kind in domain_errors()} == {code.value for code in ErrorCode}


def test_every_fault_of_a_campaign_is_in_the_enum_and_nothing_else() -> None:
    written = set(re.findall(r'Fault\(\s*"([A-Z_]+)"', inspect.getsource(judging)))
    assert written == {code.value for code in CampaignFaultCode}


def test_every_domain_code_speaks_every_language() -> None:
    codes = {kind.code for kind in domain_errors()}
    assert set(MESSAGES) == codes
    for code in codes:
        assert set(MESSAGES[code]) == set(SUPPORTED_LOCALES), code


def test_messages_name_only_what_their_error_carries() -> None:
    for kind in domain_errors():
        for text in MESSAGES[kind.code].values():
            assert placeholders(text) <= placeholders(kind.template), (kind.code, text)


@pytest.mark.parametrize("texts", [*STATUS_WORDS.values(), SHIPS_WITHIN, SHIPS_BY])
def test_other_words_speak_every_language(texts: dict[str, object]) -> None:
    assert set(texts) == set(SUPPORTED_LOCALES)


def test_every_user_error_is_known_to_the_schema() -> None:
    interface = GRAPHQL.type_map["UserError"]
    assert isinstance(interface, GraphQLInterfaceType)
    names = {type_.name for type_ in GRAPHQL.get_possible_types(interface)}
    assert {"SlotsSoldOutError", "PurchaseLimitError", "TermsOutdatedError"} <= names
    assert {"PriceChangedError", "CampaignNotOpenError", "InvalidInputError"} <= names
    assert all(name.endswith("Error") for name in names)
