"""Where pictures lie: a folder of ours, or a bucket that speaks S3.

A file is named by what it shows and never changes, so writing it twice does no harm.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from headless_presale.kernel.errors import Unavailable

TIMEOUT = timedelta(seconds=10)
CONNECT_TIMEOUT = timedelta(seconds=3)
AWAY = (BaseError, OSError)
"""What the store raises when it does not answer or does not let us in."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What the store lists."""

    key: str
    modified_at: datetime


class MediaStore:
    """Files by key. Every method raises Unavailable where the store does not answer."""

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    async def put(self, key: str, content: bytes, *, mime: str) -> None:
        """Write a file, whole or not at all; once this returns it survives a loss of power."""
        try:
            if self._folder is None:
                attributes: Any = {"Content-Type": mime}
                await obstore.put_async(self._store, key, content, attributes=attributes)
            else:
                await obstore.put_async(self._store, key, content)
                await asyncio.to_thread(_sync, self._folder / key)
        except AWAY as error:
            raise Unavailable("media store") from error

    async def find(self, key: str) -> bytes | None:
        """Return a file's content, or None."""
        try:
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except AWAY as error:
            raise Unavailable("media store") from error

    async def find_details(self, key: str) -> StoredFile | None:
        """Return what the store knows of a file, or None."""
        try:
            meta = await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return None
        except AWAY as error:
            raise Unavailable("media store") from error
        return StoredFile(meta["path"], meta["last_modified"])

    async def list_files(self, prefix: str | None = None) -> AsyncIterator[list[StoredFile]]:
        """Yield all files, some hundreds at a time."""
        try:
            async for chunk in obstore.list(self._store, prefix, chunk_size=500):
                yield [StoredFile(m["path"], m["last_modified"]) for m in chunk]
        except FileNotFoundError:
            return
        except AWAY as error:
            raise Unavailable("media store") from error

    async def delete(self, key: str) -> None:
        """Remove a file; one that is not there is no error."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except AWAY as error:
            raise Unavailable("media store") from error


def open_store(url: str | None, folder: Path) -> MediaStore:
    """Return the store at an address, or the one in a folder where there is none.

    Args:
        url: ``s3://bucket`` or ``s3://bucket/prefix``. Keys, region and endpoint come from the
            environment, as every S3 client reads them: ``AWS_ACCESS_KEY_ID``, ``AWS_REGION``,
            ``AWS_ENDPOINT_URL``, ...

    Raises:
        ValueError: not such an address.
    """
    if url is None:
        folder.mkdir(parents=True, exist_ok=True)
        return MediaStore(LocalStore(folder, automatic_cleanup=True), folder.resolve())
    if not url.startswith("s3://"):
        raise ValueError("the media store's address must begin with s3://")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    return MediaStore(
        from_url(
            url,
            # We delete one file at a time, and not every store knows the other way.
            config={"disable_bulk_delete": True},
            client_options={
                "timeout": TIMEOUT,
                "connect_timeout": CONNECT_TIMEOUT,
                # Who names an endpoint without TLS means it: a store on the same machine.
                "allow_http": endpoint.startswith("http://"),
            },
            retry_config={"max_retries": 2, "retry_timeout": TIMEOUT},
        )
    )


def _sync(path: Path) -> None:
    """Have a file, its name and its folder's name on the disk."""
    for place in (path, path.parent, path.parent.parent):
        try:
            descriptor = os.open(place, os.O_RDONLY)
        except FileNotFoundError:
            # Swept in this moment; who needs it looks for it again, under the lock.
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_store: MediaStore | None = None


def set_store(store: MediaStore | None) -> None:
    """Install the process's store."""
    global _store
    _store = store


def get_store() -> MediaStore:
    """Return the process's store.

    Raises:
        RuntimeError: the composition root has set none.
    """
    if _store is None:
        raise RuntimeError("no media store is installed")
    return _store
