"""What customers tell. None of these carries a secret: codes are made when mails are sent."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from headless_presale.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInCodeRequested(Event):
    """Somebody asked for a code by mail."""

    type: ClassVar[str] = "customer.sign_in_code_requested"
    code_id: UUID

    @property
    def topic(self) -> str:
        return f"customer-code:{self.code_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersMerged(Event):
    """An account without an address has become that of an address.

    What hangs on ``merged_id`` is ``customer_id``'s from now on; those who keep some of it move it.
    """

    type: ClassVar[str] = "customer.merged"
    shop_id: UUID
    merged_id: UUID
    customer_id: UUID

    @property
    def topic(self) -> str:
        return f"customer:{self.merged_id}"
