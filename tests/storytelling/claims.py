"""What a story expects: claims about KPIs, each as precise as it is written.

| written | claims |
| --- | --- |
| `3` | exactly 3 |
| `86.00 %` | the share, rounded to as many decimals |
| `50 % of 2 (9 to 91 %)` | also what it rests on, and its interval |
| `2 min 10 s` | seconds |
| `Monday 2026-11-16 09:00` | an instant |
| `absent` | no data: neither 0 nor 100 % |
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, cast, get_args

from agents.settings.values import parse_duration
from streams.conventions import OTHER, TOTAL
from streams.events import SurveyChannel
from streams.instants import SECOND, to_rfc3339
from streams.kpis import KPIS, Kpi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from streams.organisations import Channel, Organisation
    from streams.views import View
    from tests.storytelling.sentences import Almanac

ABSENT = "absent"
Path = tuple[str, ...]
"""Promise (empty where there is none), KPI, and the value of its extra label if it has one."""

NUMBER = r"\d+(?:\.\d+)?"
OF = r"(?: of (?P<n>\d+))?"
SHARE = re.compile(
    rf"(?P<value>{NUMBER}) %{OF}(?: \((?P<lower>{NUMBER}) to (?P<upper>{NUMBER}) %\))?"
)
PLAIN = re.compile(rf"(?P<value>{NUMBER}){OF}")
DURATION = re.compile(rf"(?P<value>{NUMBER} ?(?:s|min|h)(?: {NUMBER} ?(?:s|min|h))*){OF}")
EXAMPLES = {
    "count": "3", "flag": "1", "index": "75", "ratio": "80 %", "seconds": "2 min 10 s",
    "timestamp_seconds": "Monday 2026-11-16 09:00",
}  # fmt: skip

DERIVED = frozenset({"departures", "service_level_events", "service_level_kept", "due_within"})
"""Counts that other counts imply; a story may leave them out."""

PARTS_OF: dict[str, Channel] = {"queues": "calls", "mailboxes": "emails", "desks": "visits"}


class Place(NamedTuple):
    """A queue, mailbox or desk, or the total of a channel."""

    channel: Channel
    part: str


class Claim(NamedTuple):
    """That one KPI has one value.

    Attributes:
        line: where the story says so.
        path: which KPI.
        text: the value as written.
        parts: the value and what was written with it, by suffix; `None` = no data.
        tolerance: half of the last digit written.
    """

    line: int
    path: Path
    text: str
    parts: dict[str, float | None]
    tolerance: float


def place_of(name: str, organisation: Organisation) -> Place:
    """`vaxel`, `all calls`, `other queues` or `survey of calls`; `ValueError` for others."""
    for kind, channel in PARTS_OF.items():
        if name == f"all {channel}":
            return Place(channel, TOTAL)
        if name == f"other {kind}":
            return Place(channel, OTHER)
        if name in organisation.parts(channel):
            return Place(channel, name)
    subject = name.removeprefix("survey of ")
    if subject != name and subject in get_args(SurveyChannel):
        return Place("surveys", subject)
    msg = f"`{name}` is no queue, mailbox or desk; write one, or e.g. `all calls`, `other queues`"
    raise ValueError(msg)


def kpi_of(channel: Channel, name: str, promise: str = "") -> Kpi:
    """The KPI of that name (of a promise); `ValueError` for one the registry does not have."""
    for kpi in KPIS[channel]:
        if kpi.name == name and promise and not kpi.promise:
            msg = f"`{name}` has nothing to do with `{promise}`; write it one level up"
            raise ValueError(msg)
        if kpi.name == name:
            return kpi
    known = ", ".join(kpi.name for kpi in KPIS[channel])
    msg = f"`{name}` is no KPI of {channel}; write one of {known}"
    raise ValueError(msg)


def claim_of(line: int, kpi: Kpi, path: Path, text: str, almanac: Almanac) -> Claim:
    """The claim that a KPI has a value; `ValueError` for a value not in its unit."""
    if text == ABSENT:
        return Claim(line, path, text, {"": None}, 0)
    if kpi.unit == "timestamp_seconds":
        return Claim(line, path, text, {"": almanac.instant(text) / SECOND}, 0)
    form = {"ratio": SHARE, "seconds": DURATION}.get(kpi.unit, PLAIN)
    match = form.fullmatch(text)
    if match is None:
        msg = (
            f"`{text}` is no value of `{kpi.name}`; write e.g. `{EXAMPLES[kpi.unit]}`, or `absent`"
        )
        raise ValueError(msg)
    words = {name: word for name, word in match.groupdict().items() if word is not None}
    parts: dict[str, float | None] = {}
    for name, word in words.items():
        suffix = "" if name == "value" else f"_{name}"
        if kpi.unit == "seconds" and name == "value":
            parts[suffix] = _seconds(word)
        else:
            parts[suffix] = float(word) / (100 if kpi.unit == "ratio" and name != "n" else 1)
    if kpi.choices and len(parts) > 1:
        msg = f"`{text}` says more than `{kpi.name}` shows; write e.g. `{EXAMPLES[kpi.unit]}`"
        raise ValueError(msg)
    decimals = len(words["value"].partition(".")[2])
    tolerance = 0.5 * 10.0**-decimals if kpi.unit in ("ratio", "index") else 0.0005
    return Claim(line, path, text, parts, tolerance / (100 if kpi.unit == "ratio" else 1))


def _seconds(words: str) -> float:
    return sum(parse_duration(word) for word in re.findall(rf"{NUMBER} ?[a-z]+", words)) / SECOND


def fault(claim: Claim, view: View, zone: ZoneInfo) -> str | None:
    """What is instead of a claim, in words; `None` if it is true."""
    for suffix, wanted in claim.parts.items():
        seen = value_at(view, claim.path, suffix)
        if (seen is None) != (wanted is None) or (
            seen is not None and wanted is not None and abs(seen - wanted) > claim.tolerance + 1e-12
        ):
            what = f"{name_of(claim.path)}{suffix}"
            like = "" if suffix == "_n" else claim.text
            return f"{what} is {shown(seen, like, zone)}, not {claim.text}"
    return None


def shown(seen: float | None, like: str, zone: ZoneInfo) -> str:
    """A value in the form in which the story wrote the expected one."""
    if seen is None:
        return ABSENT
    if "%" in like:
        return f"{seen:.4%}".replace("%", " %")
    if seen > 1e9:
        return to_rfc3339(round(seen * SECOND), zone)
    return f"{seen:g}"


def name_of(path: Path) -> str:
    """`missed`, `exits timeout` or `full-answer: missed`."""
    promise, name, *choice = path
    return (f"{promise}: " if promise else "") + " ".join([name, *choice])


def value_at(view: View, path: Path, suffix: str = "") -> float | None:
    """The value of a KPI in a view, `None` where the view has none."""
    promise, name, *choice = path
    if promise:
        view = cast("dict[str, View]", view.get("promises", {})).get(promise, {})
    if choice:
        view = cast("View", view.get(name, {}))
    value = view.get((choice[0] if choice else name) + suffix)
    return None if value is None else float(cast("float", value))


def counts(view: View, channel: Channel, promises: tuple[str, ...]) -> Iterator[tuple[Path, float]]:
    """Everything a view counts and that is not zero; the primary promise has no name."""
    for kpi in KPIS[channel]:
        if kpi.kind != "count" and not (kpi.kind == "now" and kpi.unit == "count"):
            continue
        for n, promise in enumerate(promises if kpi.promise else ("",)):
            # Told apart by its own name inside the view, by none in the story.
            for choice in kpi.choices or (None,):
                rest = (kpi.name,) if choice is None else (kpi.name, choice)
                value = value_at(view, (promise, *rest))
                if value:
                    yield ("" if n == 0 else promise, *rest), value
