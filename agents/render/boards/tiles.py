"""Tiles: big numbers on coloured grounds, and the traffic lights of promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import common, stat
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from agents.render.boards.panels import (
    CALM,
    Face,
    Query,
    Steps,
    colour,
    finish,
    instant,
    thresholds,
)
from agents.render.boards.queries import LIGHTS, NOTHING
from agents.render.boards.words import (
    LIGHT_COLOURS,
    LIGHT_HELP,
    LIGHT_WORDS,
    NO_NUMBERS,
    NOTHING_YET,
)
from streams.conventions import Label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

    from agents.render.boards.queries import Light, Share
    from streams.board.words import Language


def tile(
    face: Face,
    expr: str,
    *,
    steps: Steps | None = None,
    fresh: str = "",
    words: Mapping[str, str] | None = None,
) -> Panel:
    """One big number on a coloured ground.

    Args:
        face: what every panel has.
        expr: its value.
        steps: its colours.
        fresh: where this holds the colours do; elsewhere the ground says that the number is old.
        words: what is written instead of some values.
    """
    panel = _ground(BigValueTextMode.VALUE).thresholds(thresholds(steps or CALM))
    if fresh:
        by_organisation = f"on ({Label.ORGANISATION}) ({fresh})"
        panel.with_target(instant(Query("value", f"{expr} and {by_organisation}")))
        panel.with_target(instant(Query("stale", f"{expr} unless {by_organisation}")))
        panel.override_by_query("stale", [colour(LIGHT_COLOURS["stale"])])
    else:
        panel.with_target(instant(Query("value", expr)))
    return finish(panel, face, mappings=_worded(words or {}))


def tiles(
    face: Face,
    queries: Sequence[Query],
    *,
    steps: Steps | None = None,
    special: Mapping[str, Steps] | None = None,
    fresh: str = "",
) -> Panel:
    """Some numbers side by side, each under its name; `special` ones have colours of their own.

    Where `fresh` does not hold, the ground of all says that they are old, as in `tile`.
    """
    panel = _ground(BigValueTextMode.VALUE_AND_NAME).thresholds(thresholds(steps or CALM))
    for ref, own in (special or {}).items():
        panel.override_by_query(ref, [DynamicConfigValue("thresholds", thresholds(own).build())])
    for query in queries:
        if not fresh:
            panel.with_target(instant(query))
            continue
        by_organisation = f"on ({Label.ORGANISATION}) ({fresh})"
        old = f"{query.ref}_stale"
        panel.with_target(instant(query._replace(expr=f"{query.expr} and {by_organisation}")))
        panel.with_target(
            instant(Query(old, f"{query.expr} unless {by_organisation}", query.legend))
        )
        panel.override_by_query(old, [colour(LIGHT_COLOURS["stale"])])
    return finish(panel, face)


def coloured(
    face: Face, lights: Mapping[Light, Query], *, words: Mapping[str, str] | None = None
) -> Panel:
    """One number for each series, each colour a query of its own."""
    named = any(query.legend for query in lights.values())
    panel = _ground(BigValueTextMode.VALUE_AND_NAME if named else BigValueTextMode.VALUE)
    # Each as wide as the panel, below each other: their names are long.
    panel.thresholds(thresholds(CALM)).orientation(VizOrientation.HORIZONTAL)
    for light, query in lights.items():
        panel.with_target(instant(query))
        panel.override_by_query(query.ref, [colour(LIGHT_COLOURS[light])])
    return finish(panel, face, mappings=_worded(words or {}))


def traffic_lights(face: Face, share: Share, language: Language) -> Panel:
    """The share of every promise, coloured by its own target, with what it rests on.

    Each colour is a query of its own, and a promise is in exactly one of them: so every promise
    is judged by its target, its `n` and its interval, which thresholds of a panel cannot do.

    Args:
        face: what every panel has; the meaning of the colours is added to its description, and
            its text without data says that there are no numbers.
        share: what is judged.
        language: of the board.
    """
    of, target = ("av", "mål") if language == "sv" else ("of", "target")
    note = f"{{{{promise}}}}: {{{{kept}}}} {of} {{{{n}}}}, {target} {{{{target}}}} %"
    legends = dict.fromkeys(LIGHTS, note)
    for light in ("few", "stale"):
        legends[light] = f"{note} · {LIGHT_WORDS[light].say(language)}"
    legends["none"] = f"{{{{promise}}}}, {target} {{{{target}}}} %"
    lights = {
        light: Query(light, share.noted(share.light(light)), legend)
        for light, legend in legends.items()
    }
    described = f"{face.description}\n\n{LIGHT_HELP.say(language)}"
    # With whole per cents, 79.6 would stand there as 80 and not reach a target of 80.
    face = face._replace(description=described, decimals=1, empty=NO_NUMBERS.say(language))
    nothing = NOTHING_YET[share.kpi.channel].say(language)
    return coloured(face, lights, words={str(NOTHING): nothing})


def _ground(mode: BigValueTextMode) -> stat.Panel:
    """Big numbers on coloured grounds."""
    return (
        stat.Panel()
        .color_mode(BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(BigValueGraphMode.NONE)
        .text_mode(mode)
        .orientation(VizOrientation.VERTICAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _worded(words: Mapping[str, str]) -> list[Any]:
    options = {value: {"text": text, "index": i} for i, (value, text) in enumerate(words.items())}
    return [{"type": "value", "options": options}] if options else []
