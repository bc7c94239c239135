"""Operations that a client may repeat: the key it names one by, and what makes two the same."""

import hashlib

import orjson

from headless_presale.kernel.texts import check_text

LONGEST_KEY = 200


def check_key(idempotency_key: str) -> None:
    """Raise InvalidInput unless the key can tell operations apart."""
    check_text(idempotency_key, ("idempotencyKey",), longest=LONGEST_KEY)


def hash_request(body: object) -> str:
    """Return what tells a retry from another request under the same key.

    Args:
        body: all that makes the request, as JSON knows it; the order of its names does not count.
    """
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
