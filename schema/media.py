"""The files of a picture."""

import strawberry

from headless_presale.media import MediaAsset, StoredSize, path_of, sizes_of
from resolvers.addresses import address_of
from schema.nodes import Info


@strawberry.type(name="MediaSize", description="One file of a picture.")
class MediaSizeType:
    sha256: strawberry.Private[str]
    size: strawberry.Private[StoredSize]

    @strawberry.field(description="Shows the same bytes for ever.")
    def url(self, info: Info) -> str:
        return address_of(info.context, path_of(self.sha256, self.size.name))

    @strawberry.field(description="In pixels.")
    def width(self) -> int:
        return self.size.width

    @strawberry.field(description="In pixels.")
    def height(self) -> int:
        return self.size.height

    @strawberry.field(description="`image/webp`; one size is an `image/jpeg` for mails.")
    def mime(self) -> str:
        return self.size.mime

    @strawberry.field(description="How large the file is.")
    def bytes(self) -> int:
        return self.size.bytes


def media_sizes(asset: MediaAsset | None) -> list[MediaSizeType]:
    """Return the files of a picture, the smallest first; of one that lies elsewhere none."""
    if asset is None:
        return []
    return [MediaSizeType(sha256=asset.sha256, size=size) for size in sizes_of(asset)]
