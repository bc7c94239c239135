"""A shop's pictures. They are uploaded by HTTP, `POST /uploads/media?shop=<slug>`."""

from datetime import datetime

import strawberry

from headless_presale.identity import Scope
from headless_presale.media import MediaAsset
from resolvers.admin import media
from resolvers.admin.media import MediaForm
from schema.errors import UserError, user_errors
from schema.media import MediaSizeType, media_sizes
from schema.nodes import Info, global_id
from schema.permissions import requires
from schema.scalars import SafeInt


@strawberry.type(description="What a picture shows, in one language.")
class MediaTranslation:
    locale: str
    alt: str


@strawberry.type(
    name="MediaAsset",
    description="A picture of a shop, kept once however often it is uploaded. Upload one by "
    "`POST /uploads/media?shop=<slug>` with the file as the body.",
)
class MediaAssetType:
    row: strawberry.Private[MediaAsset]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("MediaAsset", self.row.id)

    @strawberry.field(description="Of its largest size.")
    def url(self, info: Info) -> str:
        return media.url_of(info.context, self.row)

    @strawberry.field(description="The files there are of it, the smallest first.")
    def sizes(self) -> list[MediaSizeType]:
        return media_sizes(self.row)

    @strawberry.field(description="What was uploaded, such as `image/jpeg`.")
    def mime(self) -> str:
        return self.row.mime

    @strawberry.field(description="Of what was uploaded, turned upright.")
    def width(self) -> int:
        return self.row.width

    @strawberry.field(description="Of what was uploaded, turned upright.")
    def height(self) -> int:
        return self.row.height

    @strawberry.field(description="Of what was uploaded.")
    def bytes(self) -> SafeInt:
        return SafeInt(self.row.bytes)

    @strawberry.field(description="What it shows, for those who cannot see it; may be empty.")
    def alt(self) -> str:
        return self.row.alt

    @strawberry.field(description="The same in other languages, by language.")
    def translations(self) -> list[MediaTranslation]:
        return [
            MediaTranslation(locale=locale, alt=texts["alt"])
            for locale, texts in sorted(self.row.translations.items())
        ]

    @strawberry.field(description="By how many products it is shown; only unused ones are deleted.")
    async def uses(self, info: Info) -> int:
        return await info.context.loaders.media_uses.load(self.row.id)

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def version(self) -> int:
        return self.row.version


@strawberry.input(description="What a picture shows, in one language.")
class MediaTranslationInput:
    locale: str = strawberry.field(description="A language tag such as `zh-CN`.")
    alt: str | None = strawberry.field(default=None, description="Null removes the language.")


@strawberry.input(description="What to say of a picture; what is left out or null stays.")
class MediaUpdateInput:
    media_id: strawberry.ID
    version: int = strawberry.field(description="The version you read.")
    alt: str | None = strawberry.field(
        default=None, description="In the shop's own language; an empty text for nothing."
    )
    translations: list[MediaTranslationInput] | None = strawberry.field(
        default=None, description="Languages to set or remove; one that is not named stays."
    )

    def to_form(self) -> MediaForm:
        """Return it as the resolvers take it."""
        given = self.translations
        texts = None if given is None else [(text.locale, text.alt) for text in given]
        return MediaForm(alt=self.alt, translations=texts)


@strawberry.input(description="A picture that nothing shows.")
class MediaDeleteInput:
    media_id: strawberry.ID


@strawberry.type
class MediaUpdatePayload:
    media: MediaAssetType | None
    user_errors: list[UserError]


@strawberry.type
class MediaDeletePayload:
    deleted_id: strawberry.ID | None
    user_errors: list[UserError]


@strawberry.type
class MediaMutation:
    @strawberry.mutation(
        description="Say what a picture shows.", extensions=requires(Scope.CATALOG_WRITE)
    )
    async def media_update(self, info: Info, input: MediaUpdateInput) -> MediaUpdatePayload:
        changed = await media.change(
            info.context, media_id=input.media_id, version=input.version, form=input.to_form()
        )
        row = changed.value
        return MediaUpdatePayload(
            media=None if row is None else MediaAssetType(row=row),
            user_errors=user_errors(changed.refusals),
        )

    @strawberry.mutation(
        description="Delete a picture that no product shows. Its files are gone within hours.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def media_delete(self, info: Info, input: MediaDeleteInput) -> MediaDeletePayload:
        deleted = await media.delete(info.context, media_id=input.media_id)
        gone = deleted.value
        return MediaDeletePayload(
            deleted_id=None if gone is None else strawberry.ID(gone),
            user_errors=user_errors(deleted.refusals),
        )
