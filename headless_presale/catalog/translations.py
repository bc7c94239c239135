"""How a product's texts get into other languages."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from headless_presale.catalog.editing import ProductEdit, product_edit
from headless_presale.catalog.errors import ProductNotFound, ProductOptionNotFound
from headless_presale.catalog.inputs import TEXT_READERS, read_text
from headless_presale.catalog.models import Product
from headless_presale.catalog.product_plan import ProductPlan, StoredRow
from headless_presale.catalog.product_rows import load_products
from headless_presale.catalog.rules import MAX_TEXT_LENGTH, OPTION_VALUE_PREFIX, is_handle
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.locales import read_locale
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

Translations = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTranslation:
    """An option's name, and its values by what they are called in the catalogue."""

    name: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTranslation:
    """A product's texts in one language.

    Attributes:
        texts: any of ``title``, ``description_html``, ``seo_title``, ``seo_description``. An empty
            text removes the translation; one that is not named keeps it.
        options: by the option's name in the catalogue.
    """

    shop_id: UUID
    handle: str
    locale: str
    texts: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, OptionTranslation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateProduct:
    """The same for a product that is known by its id, at the version that was read.

    Attributes:
        options: by the option's id.
    """

    shop_ids: Collection[UUID]
    product_id: UUID
    version: int
    locale: str
    texts: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[UUID, OptionTranslation] = field(default_factory=dict)


@shielded
async def set_translation(command: SetTranslation) -> None:
    """Store a product's texts in one language. Safe to repeat: the same texts write nothing.

    Raises:
        ProductNotFound: the shop has no such product.
        InvalidInput: a language, text or option that is not one; ``field`` names it.
    """
    locale = read_locale(command.locale, ("locale",))
    handle = command.handle if is_handle(command.handle) else ""
    async with unit_of_work() as work:
        found = await load_products(work, command.shop_id, [handle], is_locked=True)
        if handle not in found:
            raise ProductNotFound(field=("handle",), product=command.handle[:MAX_TEXT_LENGTH])
        stored = found[handle]
        plan = ProductPlan(product_id=stored.id, is_new=False)
        edit = ProductEdit(work, stored, plan, clock.now())
        options = {row.values["name"]: row for row in stored.options.values()}
        for name in command.options:
            if name not in options:
                raise InvalidInput(
                    reason="the product has no option called {name}",
                    name=repr(name[:40]),
                    field=("options", name),
                )
        wanted = {
            options[name].id: (texts, ("options", name)) for name, texts in command.options.items()
        }
        await _translate(edit, locale, _read_texts(command.texts, ("texts",)), wanted)


@shielded
async def translate_product(command: TranslateProduct) -> Product:
    """Store a product's texts in one language; what is not named keeps its translation.

    Raises:
        ProductNotFound, VersionConflict: not there, or not as it was read.
        ProductOptionNotFound: the product has no such option.
        InvalidInput: a language or text that is not one; ``field`` names it.
    """
    locale = read_locale(command.locale, ("locale",))
    texts = _read_texts(command.texts, ())
    async with product_edit(command.shop_ids, command.product_id) as edit:
        stored = edit.stored.values["translations"].get(locale, {})
        edit.check(
            command.version, yours=texts, stored={name: stored.get(name, "") for name in texts}
        )
        known = {row.id for row in edit.stored.options.values()}
        wanted = {}
        for number, (option_id, translation) in enumerate(command.options.items()):
            at = ("options", str(number))
            if option_id not in known:
                raise ProductOptionNotFound(field=(*at, "optionId"))
            wanted[option_id] = (translation, at)
        return await _translate(edit, locale, texts, wanted)


@shielded
async def remove_translation(
    shop_ids: Collection[UUID], product_id: UUID, *, locale: str, version: int
) -> Product:
    """Forget a product's texts in one language, its options' as well.

    Raises:
        ProductNotFound, VersionConflict: not there, or not as it was read.
        InvalidInput: not a language.
    """
    tag = read_locale(locale, ("locale",))
    async with product_edit(shop_ids, product_id) as edit:
        edit.check(version, yours={}, stored={})
        before = edit.stored.values["translations"]
        after = {kept: texts for kept, texts in before.items() if kept != tag}
        edit.plan.products.patch(edit.stored, {"translations": after})
        for row in edit.stored.options.values():
            kept = {other: t for other, t in row.values["translations"].items() if other != tag}
            edit.plan.options.patch(row, {"translations": kept})
        return await edit.save(
            "product.translation_remove", before={tag: before.get(tag)}, after={}
        )


async def _translate(
    edit: ProductEdit,
    locale: str,
    texts: Mapping[str, str],
    options: Mapping[UUID, tuple[OptionTranslation, tuple[str, ...]]],
) -> Product:
    stored: Translations = edit.stored.values["translations"]
    edit.plan.products.patch(edit.stored, {"translations": _merged(stored, locale, texts)})
    for row in edit.stored.options.values():
        if row.id in options:
            _translate_option(edit.plan, row, locale, *options[row.id])
    before: dict[str, Any] = dict(stored.get(locale, {}))
    after = {**before, **texts}
    return await edit.save(
        "product.translation_set",
        before={f"{locale}.{name}": before.get(name) for name in texts},
        after={f"{locale}.{name}": after[name] for name in texts},
    )


def _translate_option(
    plan: ProductPlan,
    row: StoredRow,
    locale: str,
    translation: OptionTranslation,
    at: tuple[str, ...],
) -> None:
    texts = {
        OPTION_VALUE_PREFIX + read_text(value, (*at, value)): read_text(text, (*at, value))
        for value, text in translation.values.items()
    }
    if translation.name:
        texts["name"] = read_text(translation.name, at)
    merged = _merged(row.values["translations"], locale, texts)
    plan.options.patch(row, {"translations": merged})


def _read_texts(texts: Mapping[str, str], at: tuple[str, ...]) -> dict[str, str]:
    read = {}
    for name, text in texts.items():
        if name not in TEXT_READERS:
            raise InvalidInput(
                reason="a product has no text called {name}",
                name=repr(name[:40]),
                field=(*at, name),
            )
        read[name] = str(TEXT_READERS[name](text, (*at, name)))
    return read


def _merged(stored: Translations, locale: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the translations with these texts in; an empty one takes its text out."""
    after = {name: text for name, text in {**stored.get(locale, {}), **texts}.items() if text}
    others = {tag: dict(kept) for tag, kept in stored.items() if tag != locale}
    return {**others, locale: after} if after else others
