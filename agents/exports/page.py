"""The page of an export: one HTML file that needs nothing else, no script and no network.

Names come from configuration and from coded topics: everything is escaped, and the page forbids
itself scripts and requests, should one ever get through.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from agents.exports import colours
from agents.exports.charts import chart_svg
from streams.exports.chapters import chapters, defined, heads
from streams.exports.numbers import capital, count, moment, period_name, share
from streams.exports.overview import tiles, volumes
from streams.exports.sentences import (
    KPI_OF,
    colophon,
    completeness,
    hours_explained,
    organisation_name,
    source_name,
)
from streams.exports.wanted import RECENT
from streams.exports.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.exports.chapters import Drawn
    from streams.exports.model import ChannelQuality, Export
    from streams.exports.vocabulary import Words
    from streams.organisations import Language

TOPIC_KPIS = ("handled", "resolution", "coded_share")
"""What topics are counted by; their heads are the registry's."""


def html_file(export: Export, language: Language, version: str) -> bytes:
    """The page in UTF-8.

    Args:
        export: what it shows.
        language: in which it says it.
        version: of the program, whose definitions hold.
    """
    return page(export, language, version).encode()


def page(export: Export, language: Language, version: str, stamped_at: str = "") -> str:
    """The same as text; `stamped_at` is the RFC 3339 time its metadata tells, else `made_at`."""
    words, kind = WORDS[language], export.period.kind
    whose = organisation_name(export, language)
    when = capital(period_name(export.period, words))

    def chart(drawn: Drawn, ident: str) -> Markup:
        return Markup(chart_svg(drawn, language, ident))  # noqa: S704 - it escapes what it is given

    return _template().render(
        w=words,
        language=language,
        version=version,
        page_of=_page_of(words),
        report=words.report[kind],
        title=words.title.format(whose, when),
        whose=whose,
        when=when,
        stamped_at=stamped_at or export.made_at,
        state=completeness(export, language),
        heads=heads(export, language),
        before=(
            words.before[kind],
            words.year_before[kind],
            words.recent[kind].format(RECENT),
        ),
        volumes=volumes(export, language),
        tiles=tiles(export, language),
        chapters=chapters(export, language),
        chart=chart,
        named={name: KPI_OF["calls", name].named(language) for name in TOPIC_KPIS},
        hours_explained=hours_explained(export, words),
        sources=list(_sources(export, words)),
        channels=[_channel(told, words) for told in export.quality.channels],
        dead_letters=_dead_letters(export, words),
        defined=defined(export),
        colophon=colophon(export, words, version),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("agents.exports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(colours=colours.NAMED, shades=colours.SHADES)
    return environment.get_template("page.html")


def _page_of(words: Words) -> Markup:
    """What the foot of a printed page says, as a value of CSS."""
    told = words.page_of.format('" counter(page) "', '" counter(pages) "')
    return Markup(f'"{told}"')  # noqa: S704 - words of our own


def _sources(export: Export, words: Words) -> Iterator[dict[str, str | None]]:
    for source in export.quality.sources:
        yield {
            "name": source_name(source, words),
            "channel": words.channels[source.channel],
            "through": None if source.through is None else moment(source.through),
            "covered": share(source.covered, words),
        }


def _channel(told: ChannelQuality, words: Words) -> dict[str, Any]:
    promises = told.pending + told.decided
    return {
        "name": words.channels[told.channel],
        "cells": (
            count(told.open_hours, words) if told.open_hours else "",
            count(told.silent_hours, words) if told.open_hours else "",
            count(told.decided, words) if promises else "",
            count(told.pending, words) if promises else "",
            share(told.pending / promises, words) if promises else "",
        ),
    }


def _dead_letters(export: Export, words: Words) -> str:
    found = export.quality.dead_letters
    if found is None:
        return words.dead_letters_unknown
    if not found:
        return words.dead_letters_none
    reasons: dict[str, str] = {str(reason): said for reason, said in words.reasons.items()}
    return ", ".join(
        f"{reasons.get(reason, reason)}: {count(n, words)}" for reason, n in sorted(found.items())
    )
