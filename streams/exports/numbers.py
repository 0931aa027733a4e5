"""Numbers, spans of time and dates as readers of Swedish and of English write them."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from streams.board.phrases import DASH, within_text
from streams.board.words import WORDS as BOARD_WORDS

if TYPE_CHECKING:
    from datetime import date

    from streams.exports.model import Figure
    from streams.exports.periods import Period
    from streams.exports.vocabulary import Words
    from streams.kpis.definition import Unit
    from streams.organisations import Language, Within

DAYS_OF_A_WEEK = 6
"""From its first to its last."""
EXACT_BELOW = 100
"""Means of counts below this are told with a decimal."""


def rounded(value: float | Decimal, digits: int = 0) -> Decimal:
    """Half away from zero, as spreadsheets round; so all formats show the same.

    >>> [str(rounded(x, 1)) for x in (81.25, 0.05, 99.95)]
    ['81.3', '0.1', '100.0']
    """
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def number(value: float | Decimal, words: Words, digits: int = 0) -> str:
    r"""With separators of thousands, and so many decimals.

    >>> from streams.exports.words import WORDS
    >>> number(1234567.25, WORDS["en"], 1), number(6512, WORDS["sv"])
    ('1,234,567.3', '6\xa0512')
    """
    whole, _, rest = f"{rounded(value, digits):,}".partition(".")
    whole = whole.replace(",", words.thousands)
    return f"{whole}{words.decimal}{rest}" if rest else whole


def count(value: float, words: Words) -> str:
    """How many; a small mean has a decimal.

    >>> from streams.exports.words import WORDS
    >>> count(143, WORDS["sv"]), count(8.5, WORDS["sv"]), count(5860.75, WORDS["en"])
    ('143', '8,5', '5,861')
    """
    has_decimal = abs(value) < EXACT_BELOW and value != int(value)
    return number(value, words, 1 if has_decimal else 0)


def share(value: float, words: Words, digits: int = 1) -> str:
    r"""Per cent.

    >>> from streams.exports.words import WORDS
    >>> share(0.82446, WORDS["sv"]), share(0.82446, WORDS["en"]), share(0.825, WORDS["en"], 0)
    ('82,4\xa0%', '82.4%', '83%')
    """
    return words.percent.format(_per_cent(value, words, digits))


def target(value: float, words: Words) -> str:
    r"""Per cent, as its promise writes it.

    >>> from streams.exports.words import WORDS
    >>> target(0.8, WORDS["sv"]), target(0.855, WORDS["en"])
    ('80\xa0%', '85.5%')
    """
    digits = 0 if rounded(value, 2) == Decimal(repr(value)) else 1
    return share(value, words, digits)


def interval(figure: Figure, words: Words) -> str | None:
    r"""Between which per cent a share lies.

    >>> from streams.exports.model import Figure
    >>> from streams.exports.words import WORDS
    >>> ascii(interval(Figure(value=0.8, n=100, lower=0.711, upper=0.8666), WORDS["sv"]))
    "'71,1\\u201386,7\\xa0%'"
    """
    if figure.lower is None or figure.upper is None:
        return None
    return words.percent.format(
        f"{_per_cent(figure.lower, words, 1)}{DASH}{_per_cent(figure.upper, words, 1)}"
    )


def duration(seconds: float, words: Words) -> str:
    r"""To the second below an hour, else to the minute.

    >>> from streams.exports.words import WORDS
    >>> [" ".join(duration(x, WORDS["en"]).split()) for x in (71.4, 59.7, 14_460, 3_599.6)]
    ['1 min 11 sec', '1 min 0 sec', '4 h 1 min', '1 h 0 min']
    >>> duration(12, WORDS["sv"])
    '12\xa0s'
    """
    whole = int(rounded(seconds))
    minutes, rest = divmod(whole, 60)
    if minutes == 0:
        return words.seconds.format(rest)
    if minutes < 60:
        return words.minutes_seconds.format(minutes, rest)
    hours, minutes = divmod(int(rounded(seconds / 60)), 60)
    return words.hours_minutes.format(number(hours, words), minutes)


def shown(unit: Unit, value: float | None, words: Words) -> str | None:
    """The value of a KPI in its unit; `None` = no data.

    >>> from streams.exports.words import WORDS
    >>> shown("index", 83.5714, WORDS["sv"]), shown("flag", 1, WORDS["sv"])
    ('83,6', 'ja')
    >>> shown("ratio", None, WORDS["sv"])
    """
    if value is None:
        return None
    if unit == "ratio":
        return share(value, words)
    if unit == "seconds":
        return duration(value, words)
    if unit == "index":
        return number(value, words, 1)
    if unit == "flag":
        return words.yes if value else words.no
    return count(value, words)


def basis(figure: Figure, words: Words) -> str | None:
    r"""What a value rests on: how many of how many, or how many.

    >>> from streams.exports.model import Figure
    >>> from streams.exports.words import WORDS
    >>> basis(Figure(value=0.8, n=1200, numerator=960), WORDS["sv"])
    '960 av 1\xa0200'
    """
    if figure.n is None:
        return None
    if figure.numerator is None:
        return count(figure.n, words)
    return words.of.format(count(figure.numerator, words), count(figure.n, words))


def within(allowed: Within, language: Language) -> str:
    r"""What a promise allows, in the words of the board.

    >>> from streams.promises import parse_within
    >>> within(parse_within("2 working days"), "sv")
    '2\xa0arbetsdagar'
    """
    return within_text(allowed, BOARD_WORDS[language])


def moment(text: str) -> str:
    """A local RFC 3339 instant, to the minute: ISO 8601 in both languages.

    >>> moment("2026-11-23T05:58:30+01:00")
    '2026-11-23 05:58'
    """
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"


def period_name(period: Period, words: Words) -> str:
    """A period with its dates.

    >>> from streams.exports.periods import Period
    >>> from streams.exports.words import WORDS
    >>> period_name(Period("week", 2026, 47), WORDS["sv"]).split(DASH)
    ['vecka 47, 16', '22 november 2026']
    >>> period_name(Period("week", 2026, 53), WORDS["en"]).split(DASH)
    ['week 53, 28 December 2026 ', ' 3 January 2027']
    >>> period_name(Period("month", 2026, 11), WORDS["sv"])
    'november 2026'
    """
    if period.kind == "year":
        return str(period.year)
    if period.kind == "month":
        return f"{words.months[period.number - 1]} {period.year}"
    first = period.first_day
    last = date_after(first, DAYS_OF_A_WEEK)
    begins = str(first.day)
    dash = DASH
    if first.month != last.month:
        begins += f" {words.months[first.month - 1]}"
        dash = f" {DASH} "
    if first.year != last.year:
        begins += f" {first.year}"
    ends = f"{last.day} {words.months[last.month - 1]} {last.year}"
    return words.week.format(period.number, f"{begins}{dash}{ends}")


def short_name(period: Period, words: Words, *, year: bool = False) -> str:
    r"""A period in a table's head; with its year where that is another one.

    >>> from streams.exports.periods import Period
    >>> from streams.exports.words import WORDS
    >>> short_name(Period("week", 2025, 47), WORDS["sv"], year=True)
    'v.\xa047 2025'
    """
    if period.kind == "year":
        return str(period.year)
    if period.kind == "month":
        name = words.months[period.number - 1]
    else:
        name = words.short_week.format(period.number)
    return f"{name} {period.year}" if year else name


def capital(text: str) -> str:
    """With a capital letter at the beginning, as sentences and headings have it.

    >>> capital("vecka 47"), capital("")
    ('Vecka 47', '')
    """
    return text[:1].upper() + text[1:]


def date_after(day: date, days: int) -> date:
    """So many days after a day."""
    return day.fromordinal(day.toordinal() + days)


def _per_cent(value: float, words: Words, digits: int) -> str:
    """Decimal arithmetic: a hundred times 0.145 in binary is less than 14.5."""
    return number(Decimal(repr(value)) * 100, words, digits)
