"""The admin page is built without Node, in two languages and from nothing but itself."""

import re
from pathlib import Path

import pytest

from headless_presale.identity import Role, Scope
from headless_presale.identity.oauth.clients import ADMIN_CLIENT
from tests.packaging.checkout import ROOT
from tools.build_admin import build_admin

SOURCE = ROOT / "admin_static" / "src"


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_build_replaces_what_was_built_before(tmp_path: Path) -> None:
    target = tmp_path / "dist"
    target.mkdir()
    (target / "old.js").touch()

    build_admin(SOURCE, target)

    assert files_of(target) == files_of(SOURCE)
    assert [path.name for path in tmp_path.iterdir()] == ["dist"]


def test_a_source_without_a_page_is_refused_and_the_old_build_stays(tmp_path: Path) -> None:
    source, target = tmp_path / "src", tmp_path / "dist"
    source.mkdir()
    build_admin(SOURCE, target)

    with pytest.raises(FileNotFoundError, match=r"index\.html"):
        build_admin(source, target)

    assert files_of(target) == files_of(SOURCE)


def test_every_sentence_is_there_in_both_languages() -> None:
    texts = (SOURCE / "texts.js").read_text()
    body = texts.partition("const TEXTS = {")[2].partition("\n};")[0]
    entries = re.findall(r"^  (\w+): \[(.*?)\],$", body, re.MULTILINE | re.DOTALL)
    whole = {key: re.sub(r'"\s*\+\s*"', "", value) for key, value in entries}
    said = {key: re.findall(r'"((?:[^"\\]|\\.)*)"', value) for key, value in whole.items()}
    assert len(said) > 40
    assert [key for key, both in said.items() if len(both) != 2] == []
    used = set(re.findall(r'say\("(\w+)"', (SOURCE / "admin.js").read_text()))
    assert used <= set(said)
    for role in Role:
        assert f"role_{role}" in said
    for scope in Scope:
        noun, _, verb = scope.partition(":")
        assert {f"noun_{noun}", verb} <= set(said)


def test_it_signs_in_as_the_client_that_the_server_knows() -> None:
    assert f'"{ADMIN_CLIENT}"' in (SOURCE / "session.js").read_text()


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline() -> None:
    page = (SOURCE / "index.html").read_text()
    loaded = re.findall(r'(?:src|<link[^>]+href)="([^"]+)"', page)
    assert sorted(set(loaded)) == ["/admin/admin.css", "/admin/admin.js", "/admin/icon.svg"]
    for address in loaded:
        assert (SOURCE / address.removeprefix("/admin/")).is_file()
    for script in SOURCE.glob("*.js"):
        text = script.read_text()
        assert set(re.findall(r'from "([^"]+)"', text)) <= {"./session.js", "./texts.js"}
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    assert "<style" not in page
    assert not re.search(r"<[^>]+ (?:on\w+|style)=", page)
    assert re.findall(r"<style|\son\w+=|<script(?![^>]*src=)", page) == []
    assert re.findall(r"url\(|@import", (SOURCE / "admin.css").read_text()) == []
