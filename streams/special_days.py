"""The days on which a country rests, from the `holidays` package.

That package keeps up with every country's law; here its categories become three sets of dates.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import holidays

if TYPE_CHECKING:
    from datetime import date


class SpecialDays(NamedTuple):
    """The special days of one country in one year.

    Attributes:
        public: public holidays.
        de_facto: days that law treats as holidays though it does not call them so; in Sweden
            Midsummer's Eve, Christmas Eve and New Year's Eve.
        half: days on which work ends early; in Sweden the nine eves on which banks close at 14,
            the Friday before Pentecost and the Thursday before Midsummer's Eve among them.
    """

    public: frozenset[date]
    de_facto: frozenset[date]
    half: frozenset[date]


def is_country(code: str) -> bool:
    """Whether the holidays of a country are known, by its ISO 3166-1 code in capitals.

    >>> is_country("SE"), is_country("Sverige")
    (True, False)
    """
    return code in holidays.list_supported_countries()


@lru_cache(maxsize=256)
def special_days(country: str, year: int) -> SpecialDays:
    """The special days of a known country in a year.

    >>> sorted(day.isoformat() for day in special_days("SE", 2026).de_facto)
    ['2026-06-19', '2026-12-24', '2026-12-31']
    """
    return SpecialDays(
        public=frozenset(_named(country, year, holidays.PUBLIC)),
        de_facto=frozenset(_named(country, year, holidays.DE_FACTO)),
        half=frozenset(_named(country, year, holidays.HALF_DAY)) | _half_by_name(country, year),
    )


def _named(country: str, year: int, *categories: str) -> dict[date, list[str]]:
    """The days of some categories with their names, as far as the country has these categories."""
    entity = holidays.country_holidays(country)
    known = tuple(c for c in categories if c in entity.supported_categories)
    if not known:
        return {}
    # Without a language, names follow the machine's locale.
    language = entity.default_language
    days = holidays.country_holidays(country, years=year, categories=known, language=language)
    return {day: days.get_list(day) for day in days}


def _half_by_name(country: str, year: int) -> frozenset[date]:
    """Half days without a category: Sweden's carry the hour in their names, all with one label."""
    label: str | None = getattr(holidays.country_holidays(country), "begin_time_label", None)
    if label is None:
        return frozenset()
    _, _, ending = label.partition("%s")
    eves = _named(country, year, holidays.BANK, holidays.OPTIONAL)
    return frozenset(day for day, names in eves.items() if any(n.endswith(ending) for n in names))
