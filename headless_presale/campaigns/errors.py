"""What campaigns say no with."""

from collections.abc import Sequence

from headless_presale.campaigns.judging import Fault
from headless_presale.kernel.errors import DomainError, NotFound, Reasoned


class CampaignNotFound(NotFound):
    """No such campaign in this shop."""

    code = "CAMPAIGN_NOT_FOUND"
    template = "the campaign was not found"


class CampaignNotOpen(DomainError):
    """The campaign sells nothing at this moment. ``params``: status."""

    code = "CAMPAIGN_NOT_OPEN"
    template = "the campaign is {status}"


class CampaignNotPublishable(DomainError):
    """Publishing was refused. ``params``: faults."""

    code = "CAMPAIGN_NOT_PUBLISHABLE"
    template = "the campaign cannot be published: {summary}"

    def __init__(
        self, *, field: tuple[str, ...] = (), faults: Sequence[Fault] = (), **params: object
    ) -> None:
        summary = "; ".join(f"{fault.path}: {fault.message}" for fault in faults)
        super().__init__(field=field, faults=tuple(faults), summary=summary)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every fault found, each with its code and path."""
        faults = self.params["faults"]
        assert isinstance(faults, tuple)
        return faults


class CampaignConflict(Reasoned):
    """The handle is taken, or the variant is in the campaign twice."""

    code = "CAMPAIGN_CONFLICT"


class ItemNotFound(NotFound):
    """No such campaign item in this shop."""

    code = "CAMPAIGN_ITEM_NOT_FOUND"
    template = "the campaign item was not found"


class CampaignAlreadyPublished(DomainError):
    """It was published before. ``params``: status."""

    code = "CAMPAIGN_ALREADY_PUBLISHED"
    template = "the campaign has been published already: {status}"


class CampaignFixed(DomainError):
    """Buyers rely on it since the campaign was published. ``params``: setting."""

    code = "CAMPAIGN_FIXED"
    template = "the {setting} cannot be changed once the campaign is published"


class TermsNotFound(NotFound):
    """The campaign has no terms of this version. ``params``: version."""

    code = "TERMS_NOT_FOUND"
    template = "there is no version {version} of the terms"
