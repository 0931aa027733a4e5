"""Every text that a structure of words holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text, with where it stands."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{place}.{key}")
    elif isinstance(value, tuple):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{place}.{number}")
    else:
        for name in value.__struct_fields__:
            yield from leaves(getattr(value, name), f"{place}.{name}")
