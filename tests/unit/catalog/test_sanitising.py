"""Merchants' HTML: what harms goes, what describes a product stays."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headless_presale.catalog.rules import is_handle, sanitise_html
from headless_presale.kernel.texts import is_storable


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("<script>alert(1)</script>Cup", "Cup"),
        ("<SCRIPT SRC=//evil.example/x.js></SCRIPT>Cup", "Cup"),
        ("<style>body{display:none}</style>Cup", "Cup"),
        ('<p onclick="steal()">Cup</p>', "<p>Cup</p>"),
        ('<img src="https://e.com/a.jpg" onerror="steal()">', '<img src="https://e.com/a.jpg">'),
        ('<a href="javascript:alert(1)">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<a href="JaVa&#09;Script:alert(1)">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<a href="data:text/html,<script>1</script>">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<img src="data:image/svg+xml,<svg onload=alert(1)>">', "<img>"),
        ('<iframe src="https://evil.example"></iframe>Cup', "Cup"),
        ("<svg><script>alert(1)</script></svg>Cup", "Cup"),
        ('<form action="https://evil.example"><input name="card"></form>Cup', "Cup"),
        ('<div style="position:fixed;inset:0">Cup</div>', "<div>Cup</div>"),
        ("<!-- a comment -->Cup", "Cup"),
        ("<p>Cup", "<p>Cup</p>"),
        ("<object data=x></object><embed src=x><base href=//evil.example>Cup", "Cup"),
        ("<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", None),
        ("<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", None),
    ],
)
def test_what_harms_goes(hostile: str, harmless: str | None) -> None:
    clean = sanitise_html(hostile)

    if harmless is not None:
        assert clean == harmless
    # Escaped text and quoted attributes may still read "onerror": no tag may carry it.
    assert "<script" not in clean.lower()
    assert "<style" not in clean.lower()
    assert '" onerror' not in clean.lower()
    assert "javascript:" not in clean.lower()


@pytest.mark.parametrize(
    "html",
    [
        "<ul><li>Height 268 mm</li><li>PVC</li></ul>",
        "<ol><li>One</li></ol>",
        "<table><tbody><tr><td>Height</td><td>268 mm</td></tr></tbody></table>",
        '<img src="https://example.com/a.jpg" alt="Front" width="200" height="100">',
        '<a href="https://example.com/care" rel="noopener noreferrer">Care</a>',
        '<a href="/pages/care" rel="noopener noreferrer">Care</a>',
        '<a href="mailto:hello@example.com" rel="noopener noreferrer">Write</a>',
        "<h2>Story</h2><p>One <strong>bold</strong> and <em>one</em><br>line</p>",
        "月下司书 &amp; 书页",
    ],
)
def test_what_describes_stays(html: str) -> None:
    assert sanitise_html(html) == html


FRAGMENTS = (
    "<", "</", "/>", ">", "<!--", "-->", "<![CDATA[", "]]>", "&lt;", "&#0;", "\"", "'", "=", " ",
    "p", "svg", "math", "mtext", "style", "script", "template", "noscript", "title", "textarea",
    "table", "a href=", "img src=x ", "onerror=x", "onload=x ", "javascript:x", "data:x", "\n", "x",
)  # fmt: skip


class _Tags(HTMLParser):
    """Collects what tags and attributes there are."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name: value or "" for name, value in attrs}


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
@example("<p>&lt;script&gt;</p>")
@example("<math><mtext></p><style><img src=x onerror=x>")
def test_no_mixture_of_fragments_lets_harm_through(html: str) -> None:
    found = _Tags()

    found.feed(sanitise_html(html))

    assert found.tags.isdisjoint({"script", "style", "svg", "math", "template", "noscript"})
    assert found.attributes.keys() <= {"href", "src", "rel"}
    for name in ("href", "src"):
        assert not found.attributes.get(name, "").startswith(("javascript:", "data:"))


@pytest.mark.parametrize("handle", ["cup", "a-b_c.d", "月铸", "é", "x" * 255])
def test_handles(handle: str) -> None:
    assert is_handle(handle)


@pytest.mark.parametrize(
    "handle", ["", "a b", "a/b", "a?b", "a#b", "50%", "a\0", "\ud800", "x" * 256]
)
def test_what_is_no_handle(handle: str) -> None:
    assert not is_handle(handle)


@pytest.mark.parametrize(("text", "expected"), [("月\n", True), ("\0", False), ("\udfff", False)])
def test_text_that_can_be_stored(text: str, expected: bool) -> None:
    assert is_storable(text) is expected
