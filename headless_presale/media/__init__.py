"""Pictures that merchants have uploaded: checked by content, made anew, kept once."""

from headless_presale.media.errors import (
    MediaAnimated,
    MediaDamaged,
    MediaInUse,
    MediaNotFound,
    MediaNotPicture,
    MediaTooManyPixels,
)
from headless_presale.media.models import MediaAsset
from headless_presale.media.rules import StoredSize, is_file, key_of, mime_of, path_of
from headless_presale.media.service import (
    Added,
    AddPicture,
    UpdateMedia,
    add_picture,
    count_uses,
    delete_media,
    media_path,
    sizes_of,
    sweep_orphans,
    update_media,
)
from headless_presale.media.store import MediaStore, get_store, open_store, set_store

__all__ = [
    "AddPicture",
    "Added",
    "MediaAnimated",
    "MediaAsset",
    "MediaDamaged",
    "MediaInUse",
    "MediaNotFound",
    "MediaNotPicture",
    "MediaStore",
    "MediaTooManyPixels",
    "StoredSize",
    "UpdateMedia",
    "add_picture",
    "count_uses",
    "delete_media",
    "get_store",
    "is_file",
    "key_of",
    "media_path",
    "mime_of",
    "open_store",
    "path_of",
    "set_store",
    "sizes_of",
    "sweep_orphans",
    "update_media",
]
