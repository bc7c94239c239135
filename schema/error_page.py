"""The page of all error codes, ``docs/errors.md``: printed from what answers are made of."""

from collections.abc import Mapping
from pathlib import Path

from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.refusal_texts import TEXTS
from resolvers.messages import MESSAGES

PATH = Path(__file__).resolve().parent.parent / "docs" / "errors.md"

HEAD = """# Error codes

Printed by `python -m schema.export` from what the API answers with; `make lint` fails when this
page is not what it prints. Branch on codes: sentences are for people, in the language of
`Accept-Language` (en, zh-CN), and may change. A socket that can send no header says its language in
`connection_init`, as `acceptLanguage`. What a storefront does about each is in
[storefront.md](storefront.md#what-to-do-about-a-no).

## At the top level

In `errors[].extensions.code`, where a request was refused or failed. `retryAfterSeconds` beside it
says when to send it again; over HTTP `Retry-After` says the same. English answers are more precise
than the sentences here; where a Chinese one has `{detail}`, it holds what the English one says.

"""
REFUSALS = """
## In `userErrors`

In `userErrors[].code` of a mutation's payload: nothing was done, and `field` says which input is at
fault. Names in braces are values.

"""
CLOSE_CODES = """
## Close codes of sockets

Those of [graphql-transport-ws](https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
After the codes that `graphql-ws` calls fatal (4400, 4401, 4406, 4409, 4429, 4500) its client does
not connect again by itself.

| Code | When |
| --- | --- |
| 1001 | the server is stopping: connect again |
| 1009 | a message is larger than `PRESALE_MAX_BODY_BYTES` |
| 4400 | a frame that is none of the protocol |
| 4401 | an operation before `connection_init` was acknowledged |
| 4403 | the token is not valid, has expired or was revoked |
| 4406 | the sub-protocol is not `graphql-transport-ws` |
| 4408 | no `connection_init` within ten seconds |
| 4409 | the id of an operation that is running |
| 4429 | a second `connection_init`, or more than `PRESALE_MAX_SOCKETS_PER_CLIENT` of one client |
| 4500 | an error of ours |

A handshake that is one request too many is answered 429 with `Retry-After`: there is no socket.
"""


def errors_page() -> str:
    """Return the page."""
    return HEAD + _table(TEXTS) + REFUSALS + _table(MESSAGES) + CLOSE_CODES


def _table(texts: Mapping[str, Mapping[str, str]]) -> str:
    lines = [
        "| Code | " + " | ".join(SUPPORTED_LOCALES) + " |",
        "| --- |" + " --- |" * len(SUPPORTED_LOCALES),
    ]
    for code in sorted(texts):
        sentences = (texts[code][locale].replace("|", "\\|") for locale in SUPPORTED_LOCALES)
        lines.append(f"| `{code}` | " + " | ".join(sentences) + " |")
    return "\n".join(lines) + "\n"
