"""The admin page is built without Node, in two languages and from nothing but itself."""

import re
from pathlib import Path

import pytest

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


def test_the_page_speaks_both_languages_and_leads_to_the_api() -> None:
    page = (SOURCE / "index.html").read_text()
    halves = re.split(r'<main lang="zh-CN"', page)
    assert len(halves) == 2
    for half in halves:
        assert 'href="/graphql"' in half
        assert 'href="/schema.graphql"' in half
    assert "does not have it yet" in halves[0]
    assert "尚未包含" in halves[1]


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline() -> None:
    page = (SOURCE / "index.html").read_text()
    loaded = re.findall(r'(?:src|<link[^>]+href)="([^"]+)"', page)
    assert sorted(set(loaded)) == ["/admin/admin.css", "/admin/admin.js", "/admin/icon.svg"]
    for address in loaded:
        assert (SOURCE / address.removeprefix("/admin/")).is_file()
    assert re.findall(r"<style|\son\w+=|<script(?![^>]*src=)", page) == []
    assert re.findall(r"url\(|@import", (SOURCE / "admin.css").read_text()) == []
