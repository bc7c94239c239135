"""Standard Webhooks signatures (https://www.standardwebhooks.com), symmetric version ``v1``."""

import base64
import hashlib
import hmac


def sign(key: bytes, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three ``webhook-*`` headers that vouch for ``body``.

    Args:
        key: Decoded key, not the ``whsec_`` text.
        message_id: The same for every attempt and copy of one event: receivers deduplicate by it.
        timestamp: Unix seconds of this attempt; receivers refuse old ones as replays.
        body: Exactly the bytes that are sent.
    """
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
