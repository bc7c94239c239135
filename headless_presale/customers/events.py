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
