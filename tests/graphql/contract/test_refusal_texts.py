"""Every code at the top level of an answer speaks every language."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import headless_presale
import resolvers
import schema as contract
from headless_presale.kernel.errors import PresaleError
from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.refusal_texts import TEXTS, tell
from schema import error_page
from schema.error_page import errors_page
from tests.graphql.endpoint import Api

PACKAGES = (headless_presale, resolvers, contract)
LITERAL = re.compile(
    r'(?:PublicError|RequestError|super\(\)\.__init__)\(\s*"([A-Z][A-Z_]+)"'
    r'|\bcode="([A-Z][A-Z_]+)"'
)
"""Where a code is written for the top level of an answer, other than as a constant of its name."""


def modules() -> Iterator[ModuleType]:
    """Yield every module that may know a code."""
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.rpartition(".")[2].startswith(("__main__", "0")):
                yield importlib.import_module(found.name)


def public_codes() -> set[str]:
    """Return every code that the top level of an answer may carry."""
    found: set[str] = set()
    for module in modules():
        if module.__file__ is not None:
            source = Path(module.__file__).read_text(encoding="utf-8")
            found.update(code for match in LITERAL.findall(source) for code in match if code)
        if module.__name__.startswith("schema.transport"):
            found.update(name for name, value in vars(module).items() if value == name)
    return found | codes_of_classes(*(package.__name__ for package in PACKAGES))


def codes_of_classes(*packages: str) -> set[str]:
    """Return the codes of packages' exceptions that say they are fit for a client's eyes."""
    found: set[str] = set()
    kinds: list[type[PresaleError]] = [PresaleError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        code = getattr(kind, "code", None)
        is_ours = kind.__module__.partition(".")[0] in packages
        if is_ours and getattr(kind, "public", False) is True and isinstance(code, str):
            found.add(code)
    return found


def test_every_code_speaks_every_language() -> None:
    assert sorted(public_codes() - set(TEXTS)) == []
    for code, texts in TEXTS.items():
        assert set(texts) == set(SUPPORTED_LOCALES), code
        assert all(texts.values()), code


def test_codes_are_found_however_they_are_written() -> None:
    written = {
        "a constant": "TIMEOUT",
        "a class of ours": "RATE_LIMITED",
        "an argument": "CURSOR_INVALID",
        "a public error": "ORDER_NOT_FOUND",
        "a kind of public errors": "UNAUTHENTICATED",
        "persisted queries": "PERSISTED_QUERY_NOT_FOUND",
    }
    assert set(written.values()) <= public_codes()


def test_control_a_code_that_nobody_translated_is_found() -> None:
    class Untold(PresaleError):
        public = True
        code = "UNTOLD"

    assert Untold.code in codes_of_classes("tests") - set(TEXTS)


@pytest.mark.parametrize(
    ("code", "accept_language", "told"),
    [
        ("TIMEOUT", None, "It took 3 s."),
        ("TIMEOUT", "en-GB, zh;q=0.5", "It took 3 s."),
        ("TIMEOUT", "zh-TW", TEXTS["TIMEOUT"]["zh-CN"]),
        ("FORBIDDEN", "zh-CN", "没有权限：It took 3 s."),
        ("UNKNOWN", "zh-CN", "It took 3 s."),
    ],
)
def test_a_sentence_is_told_in_the_language_that_was_asked_for(
    code: str, accept_language: str | None, told: str
) -> None:
    assert tell(code, "It took 3 s.", accept_language) == told


def test_the_page_is_what_the_tables_print() -> None:
    assert error_page.PATH.read_text(encoding="utf-8") == errors_page()


async def test_answers_follow_accept_language(api: Api) -> None:
    for query, code, chinese, english in (
        ("{", "DOCUMENT_SYNTAX", "查询文档语法有误：", "Syntax Error"),
        ("{ nothing }", "DOCUMENT_INVALID", "查询文档与模式不符：", "Cannot query"),
        ("{ viewer { scopes } }", "UNAUTHENTICATED", "请先登录：", "Send an access token"),
        ('{ node(id: "x") { id } }', "ID_INVALID", "编号无效：", "This is not a global id."),
    ):
        in_chinese = await api.ask(query, language="zh-CN")
        assert in_chinese.error_codes == [code]
        assert in_chinese.body["errors"][0]["message"].startswith(chinese)
        assert "Accept-Language" in in_chinese.headers["vary"]
        in_english = await api.ask(query)
        assert in_english.error_codes == [code]
        assert in_english.body["errors"][0]["message"].startswith(english)
