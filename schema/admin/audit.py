"""The audit log: who changed what, from what to what, through which client."""

from datetime import datetime

import orjson
import strawberry

from headless_presale.kernel.audit_log import AuditEntry
from resolvers.admin.audit import AuditQuestion
from resolvers.errors import camel
from resolvers.global_ids import seal


@strawberry.type(description="A field of a change; both values as JSON, null where there is none.")
class FieldChange:
    field: str
    before: str | None
    after: str | None


@strawberry.type(name="AuditEntry", description="One change. Entries are never altered.")
class AuditEntryType:
    row: strawberry.Private[AuditEntry]

    @strawberry.field
    def at(self) -> datetime:
        return self.row.at

    @strawberry.field(description="Noun and verb, such as `campaign.publish`.")
    def action(self) -> str:
        return self.row.action

    @strawberry.field(
        description="Who acted: `staff:<id>`, `client:<id>`, `cli`, `system`. Filter by it."
    )
    def actor(self) -> str:
        return self.row.actor

    @strawberry.field(description="An e-mail address or a client's name, as it was then.")
    def actor_label(self) -> str:
        return self.row.actor_label

    @strawberry.field(description="The OAuth client that was acted through; empty for the CLI.")
    def client_id(self) -> str:
        return self.row.client_id

    @strawberry.field(description="As in `X-Request-ID`.")
    def request_id(self) -> str:
        return self.row.request_id

    @strawberry.field(
        description="The kind of what was changed, such as `Campaign`: that of `subjectId`."
    )
    def subject_type(self) -> str:
        return self.row.subject_type

    @strawberry.field
    def subject_id(self) -> strawberry.ID:
        return strawberry.ID(seal(self.row.subject_type, self.row.subject_id))

    @strawberry.field(description="What people called it then.")
    def subject_label(self) -> str:
        return self.row.subject_label

    @strawberry.field(description="The fields that differ.")
    def changes(self) -> list[FieldChange]:
        before, after = self.row.before, self.row.after
        return [
            FieldChange(field=camel(name), before=_json(before, name), after=_json(after, name))
            for name in dict.fromkeys((*before, *after))
        ]


@strawberry.input(description="Which entries are wanted; all that are given have to fit.")
class AuditFilterInput:
    subject_id: strawberry.ID | None = strawberry.field(
        default=None, description="The global id of what was changed."
    )
    actor: str | None = strawberry.field(default=None, description="As `AuditEntry.actor`.")
    action: str | None = strawberry.field(
        default=None, description="An action; `campaign.` for all that begin so."
    )
    since: datetime | None = strawberry.field(default=None, description="Included.")
    until: datetime | None = strawberry.field(default=None, description="Not included.")


def question_of(wanted: AuditFilterInput | None) -> AuditQuestion:
    """Return a filter as the resolvers take it."""
    if wanted is None:
        return AuditQuestion()
    return AuditQuestion(
        subject_id=wanted.subject_id,
        actor=wanted.actor,
        action=wanted.action,
        since=wanted.since,
        until=wanted.until,
    )


def _json(values: dict[str, object], name: str) -> str | None:
    return orjson.dumps(values[name]).decode() if name in values else None
