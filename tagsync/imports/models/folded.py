"""A column that a search looks into: other columns of its record, folded as what is searched for will be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from tagsync.mapping.characters import folded

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField  # Django's own class takes no type


class FoldedField(_TextField):
    """Written with its record, also by `bulk_create`; who changes the columns in `of` by a query gives this one too.

    `most`: so many characters are kept; an index takes no more.
    """

    def __init__(self, *args: Any, of: tuple[str, ...] = (), most: int | None = None, **kwargs: Any) -> None:
        self.of, self.most = of, most
        super().__init__(*args, **{"default": "", "editable": False, **kwargs})

    def deconstruct(self) -> Any:
        """A plain column for migrations, which fill it by themselves."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    def pre_save(self, instance: models.Model, add: bool) -> str:
        value = self.made_of(*(getattr(instance, column) for column in self.of))
        setattr(instance, self.attname, value)
        return value

    def made_of(self, *texts: str) -> str:
        return folded("\n".join(texts))[: self.most]
