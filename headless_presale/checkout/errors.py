"""What the checkout says no with."""

from headless_presale.kernel.errors import DomainError


class BuyerMismatch(DomainError):
    """Who is signed in orders under another address, or in another shop than his."""

    code = "BUYER_MISMATCH"
    template = "this is not the address or the shop that is signed in to"


class CampaignMismatch(DomainError):
    """The lines belong to several campaigns; an order is placed under one campaign's terms."""

    code = "CAMPAIGN_MISMATCH"
    template = "the lines belong to several campaigns; place one order for each"


class TermsOutdated(DomainError):
    """The terms accepted are not the current ones. ``params``: accepted, current."""

    code = "TERMS_OUTDATED"
    template = "version {current} of the terms is in force, not {accepted}"
