"""Settings that are read from files, as Docker and Kubernetes hand secrets to a program.

For a secret setting ``NAME`` the variable ``NAME_FILE`` names a file that holds its value.
"""

import os
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

SUFFIX = "_FILE"
MAX_BYTES = 64 * 1024
"""No secret is longer; a wrong path may lead to anything."""


class SecretFiles(PydanticBaseSettingsSource):
    """Reads the files that ``..._FILE`` variables name; to be asked before the environment.

    One line end after the value is no part of it. An empty variable counts as one that is not set.

    Args:
        also: fields that hold a secret without being a ``SecretStr``: addresses with passwords.

    Raises:
        SettingsError: when called: a setting has both a value and a file, or its file cannot be
            read, is empty, too long or no text. The message names the variable, never the value.
    """

    def __init__(self, settings: type[BaseSettings], *, also: frozenset[str] = frozenset()) -> None:
        super().__init__(settings)
        self._also = also
        self._environment = {name.upper(): value for name, value in os.environ.items()}

    def __call__(self) -> dict[str, Any]:
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, name)
            if value is not None:
                found[key] = value
        return found

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return what a field's file holds, None where it has none, and the field's key."""
        key = str(field.validation_alias) if field.validation_alias else field_name
        if field_name not in self._also and not is_secret(field):
            return None, key, False
        variable = variable_of(self.settings_cls, field_name)
        path = self._environment.get(f"{variable}{SUFFIX}")
        if not path:
            return None, key, False
        if self._environment.get(variable):
            raise SettingsError(f"{variable} and {variable}{SUFFIX} are both set: take one of them")
        return _read(Path(path), f"{variable}{SUFFIX}"), key, False


def is_secret(field: FieldInfo) -> bool:
    """Tell whether a field holds a ``SecretStr``."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def variable_of(settings: type[BaseSettings], field_name: str) -> str:
    """Return the environment variable of a field."""
    alias = settings.model_fields[field_name].validation_alias
    prefix = settings.model_config.get("env_prefix", "")
    return str(alias) if alias else f"{prefix}{field_name}".upper()


def _read(path: Path, variable: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{variable}: cannot read {path}: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{variable}: {path} has more than {MAX_BYTES} bytes")
    try:
        value = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SettingsError(f"{variable}: {path} is no UTF-8 text") from None
    if not value:
        raise SettingsError(f"{variable}: {path} is empty")
    return value
