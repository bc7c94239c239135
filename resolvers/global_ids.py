"""Global ids and cursors: opaque to clients, safe in addresses, without padding.

An id is the base64url form of ``Campaign:<uuid>``; a cursor that of ``<kind>:<position>``.
"""

import base64
import binascii
from uuid import UUID

from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import global_id
from headless_presale.kernel.remembering import remembering
from resolvers.errors import ArgumentInvalid

MAX_LENGTH = 200


def seal(kind: str, value: object) -> str:
    """Return ``kind:value`` in its opaque form."""
    return global_id(kind, value)


def unseal(text: str, *, longest: int = MAX_LENGTH) -> tuple[str, str] | None:
    """Return (kind, value), or None for anything that :func:`seal` did not write."""
    if not text or len(text) > longest or not text.isascii():
        return None
    try:
        opened = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        kind, colon, value = opened.decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    # One thing has one id: spare bits or padding in a second spelling are refused.
    return (kind, value) if colon and seal(kind, value) == text else None


def find_uuid(text: str, kind: str) -> UUID | None:
    """Return the UUID in a global id of this kind, or None."""
    found = find_node_id(text)
    return found[1] if found is not None and found[0] == kind else None


# In a rush all ask for the same few.
@remembering(most=2_000, longest=MAX_LENGTH)
def find_node_id(text: str) -> tuple[str, UUID] | None:
    """Return (kind, UUID) of a global id of any kind, or None."""
    found = unseal(text)
    uuid = _uuid(found[1]) if found is not None else None
    return (found[0], uuid) if found is not None and uuid is not None else None


def read_input_id(text: str, kind: str, field: tuple[str, ...]) -> UUID:
    """Return the UUID in an id that a mutation was given.

    Raises:
        InvalidInput: not a global id, or one of another type; ``field`` names it.
    """
    uuid = find_uuid(text, kind)
    if uuid is None:
        raise InvalidInput(reason="this is no id of the type {kind}", kind=kind, field=field)
    return uuid


def read_argument_id(text: str, kind: str) -> UUID:
    """Return the UUID in an id that a field was given.

    Raises:
        ArgumentInvalid: ``ID_INVALID``.
    """
    uuid = find_uuid(text, kind)
    if uuid is None:
        raise ArgumentInvalid(f"This is no id of the type {kind}.", code="ID_INVALID")
    return uuid


def _uuid(value: str) -> UUID | None:
    try:
        uuid = UUID(value)
    except ValueError:
        return None
    return uuid if str(uuid) == value else None
