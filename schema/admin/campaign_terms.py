"""Versions of a campaign's terms, and where they differ."""

from datetime import date, datetime

import strawberry

from headless_presale.campaigns import (
    CampaignTerms,
    TermsChange,
)


@strawberry.type(name="TermsText", description="A text of the terms in one language.")
class TermsTextType:
    locale: str
    text: str


def _texts(texts: dict[str, str]) -> list[TermsTextType]:
    return [TermsTextType(locale=locale, text=texts[locale]) for locale in sorted(texts)]


@strawberry.type(name="TermsVersion", description="A version of the terms, in every language.")
class TermsVersionType:
    """Never changed once it was published; orders point to theirs."""

    terms: strawberry.Private[CampaignTerms]

    @strawberry.field
    def version(self) -> int:
        return self.terms.version

    @strawberry.field
    def ships_by(self) -> date | None:
        return self.terms.ships_by

    @strawberry.field
    def refund_policy(self) -> list[TermsTextType]:
        return _texts(self.terms.refund_policy)

    @strawberry.field
    def cancel_conditions(self) -> list[TermsTextType]:
        return _texts(self.terms.cancel_conditions)

    @strawberry.field
    def created_at(self) -> datetime:
        return self.terms.created_at


@strawberry.type(name="TermsChange", description="Where two versions of the terms differ.")
class TermsChangeType:
    change: strawberry.Private[TermsChange]

    @strawberry.field(description="`shipsBy`, `refundPolicy` or `cancelConditions`.")
    def field(self) -> str:
        return self.change.field

    @strawberry.field(description="Null for the ship date.")
    def locale(self) -> str | None:
        return self.change.locale or None

    @strawberry.field(description="Null where there was none.")
    def before(self) -> str | None:
        return self.change.before

    @strawberry.field(description="Null where there is none any more.")
    def after(self) -> str | None:
        return self.change.after
