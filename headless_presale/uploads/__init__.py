"""Files that merchants send: ``POST /uploads/...`` with the file itself as the body."""

from headless_presale.uploads.reading import Upload, receive_upload
from headless_presale.uploads.routes import upload_routes

__all__ = ["Upload", "receive_upload", "upload_routes"]
