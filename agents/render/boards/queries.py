"""PromQL of the boards: recorded series, traffic lights, notes that say what a share rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from agents.render import names, thresholds
from agents.render.alertmanager import ALIVE
from streams.board.light import FEWEST
from streams.conventions import Label
from streams.kpis.definition import PART_LABEL
from streams.kpis.surveys import PUBLISHABLE_FROM

if TYPE_CHECKING:
    from streams.kpis import Kpi

Light = Literal["bad", "near", "good", "few", "stale", "none"]
LIGHTS: tuple[Light, ...] = ("bad", "near", "good", "few", "stale", "none")
"""In the order they are read: what needs somebody first. `none` = nothing has been counted."""

NOTHING = -1
"""Stands for *nothing counted yet*, which is known, unlike *no numbers*; a text is shown for it."""

MOVING = thresholds.TRUTH_BEHIND
"""Seconds within which the truth must have moved on for a share to be judged by it."""

REAL_ALERTS = f'alertname!="{ALIVE}"'
"""Without the one that always fires, to prove that alerts arrive."""
ORGANISATION = f'{Label.ORGANISATION}="${Label.ORGANISATION}"'
ANY_ORGANISATION = f'{Label.ORGANISATION}=~"${Label.ORGANISATION}"'
CHOSEN_WINDOW = f'{Label.WINDOW}="${Label.WINDOW}"'


def window(name: str) -> str:
    """A matcher for one window.

    >>> window("today")
    'window="today"'
    """
    return f'{Label.WINDOW}="{name}"'


def chosen(label: Label) -> str:
    """A matcher for the queues or mailboxes chosen at the top of the board."""
    return f'{label}=~"${label}"'


def pick(series: str, *matchers: str) -> str:
    """A series with matchers.

    >>> pick("channel:x", 'organisation="skara"')
    'channel:x{organisation="skara"}'
    """
    return f"{series}{{{','.join(matchers)}}}" if matchers else series


def total(channel: str, name: str, *matchers: str, suffix: str = "") -> str:
    """The recorded total of a KPI."""
    return pick(names.recorded(names.kpi_of(channel, name), total=True, suffix=suffix), *matchers)


def part(channel: str, name: str, *matchers: str, suffix: str = "") -> str:
    """The recorded series of a KPI by queue, mailbox, desk or survey."""
    return pick(names.recorded(names.kpi_of(channel, name), total=False, suffix=suffix), *matchers)


def moving(channel: str, organisation: str = ORGANISATION) -> str:
    """True where a channel's truth has moved on lately, by whichever clock."""
    series = pick(names.AS_OF, organisation, f'{Label.CHANNEL}="{channel}"')
    return f"changes({series}[{MOVING}s]) > 0"


def or_nothing(expr: str, n: str) -> str:
    """An expression, or `NOTHING` where what it rests on is known to be nothing."""
    return f"{expr} or on ({Label.ORGANISATION}) (({n} == 0) - {-NOTHING})"


class Share(NamedTuple):
    """A ratio of one window, with what is needed to judge it.

    Attributes:
        kpi: which.
        total: of the organisation, or by queue or mailbox.
        matchers: which series of it.
        fewest: with less than so many contacts it is not judged.
    """

    kpi: Kpi
    total: bool
    matchers: tuple[str, ...]
    fewest: int = FEWEST

    @property
    def key(self) -> str:
        """The labels that tell its series apart."""
        labels = [Label.ORGANISATION]
        if not self.total:
            labels.append(PART_LABEL[self.kpi.channel])
        if self.kpi.promise:
            labels.append(Label.PROMISE)
        return f"on ({', '.join(labels)})"

    @property
    def value(self) -> str:
        """The share itself."""
        return self._of(self.kpi)

    @property
    def n(self) -> str:
        """What it rests on."""
        if self.kpi.parts is None:
            return self._of(self.kpi, "_denominator")
        return self._of(names.kpi_of(self.kpi.channel, self.kpi.parts[1]))

    @property
    def kept(self) -> str:
        """Its numerator."""
        if self.kpi.parts is None:
            return self._of(self.kpi, "_numerator")
        return self._of(names.kpi_of(self.kpi.channel, self.kpi.parts[0]))

    @property
    def lower(self) -> str:
        """The lower end of its interval."""
        return self._of(self.kpi, "_lower")

    @property
    def upper(self) -> str:
        """The upper end of its interval."""
        return self._of(self.kpi, "_upper")

    @property
    def enough(self) -> str:
        """Where it rests on enough to be judged."""
        return f"({self.n} >= {self.fewest})"

    @property
    def target(self) -> str:
        """What it is to reach."""
        matchers = [m for m in self.matchers if m.split("=")[0] in _OF_A_PROMISE]
        return pick(names.TARGET, *matchers, f'{Label.CHANNEL}="{self.kpi.channel}"')

    @property
    def promised(self) -> str:
        """What it is to reach, for the promises that are counted here and not for others."""
        return f"{self.target} and on ({Label.ORGANISATION}, {Label.PROMISE}) {self.n}"

    def judged(self, expr: str = "") -> str:
        """The share, or another end of it, where it rests on enough."""
        return f"{expr or self.value} and {self.key} {self.enough}"

    def light(self, light: Light) -> str:
        """The share where its light shows this colour, nothing where it shows another."""
        organisation = next(m for m in self.matchers if m.startswith(Label.ORGANISATION))
        still = f"on ({Label.ORGANISATION}) ({moving(self.kpi.channel, organisation)})"
        if light == "stale":
            return f"{self.value} unless {still}"
        if light == "none":
            return f"(({self.n} == 0) - {-NOTHING}) and {still}"
        if light == "few":
            return f"({self.value} unless {self.key} {self.enough}) and {still}"
        reached = f"{self.value} {'>=' if light == 'good' else '<'} {self._to} {self.target}"
        if light == "good":
            return f"({reached}) and {self.key} {self.enough} and {still}"
        beyond_doubt = "<" if light == "bad" else ">="
        bound = f"({self.upper} {beyond_doubt} {self._to} {self.target})"
        return f"({reached}) and {self.key} {bound} and {self.key} {self.enough} and {still}"

    def level(self) -> str:
        """Which light, as its place in `LIGHTS`: for the cell of a table."""
        return " or ".join(
            f"({self.light(light)}) * 0 + {place}" for place, light in enumerate(LIGHTS)
        )

    def noted(self, expr: str) -> str:
        """The expression with the labels `kept`, `n` and `target` (in per cent) for its legend."""
        notes = "".join(
            f' * {self.key} group_left ({label}) count_values without () ("{label}", {series})'
            for label, series in (("kept", self.kept), ("n", self.n))
        )
        return (
            f"({expr}){notes} * on ({Label.ORGANISATION}, {Label.PROMISE}) group_left (target) "
            f'count_values without () ("target", round(1000 * {self.target}) / 10)'
        )

    @property
    def _to(self) -> str:
        return f"on ({Label.ORGANISATION}, {Label.PROMISE}) group_left ()"

    def _of(self, kpi: Kpi, suffix: str = "") -> str:
        return pick(names.recorded(kpi, total=self.total, suffix=suffix), *self.matchers)


_OF_A_PROMISE = (Label.ORGANISATION.value, Label.PROMISE.value)


def share(
    channel: str, name: str, *matchers: str, by_part: bool = False, fewest: int = FEWEST
) -> Share:
    """A ratio KPI of one window."""
    return Share(names.kpi_of(channel, name), not by_part, matchers, fewest)


def publishable(channel: str, name: str, *matchers: str) -> Share:
    """A ratio that may be compared with other organisations."""
    return share(channel, name, *matchers, fewest=PUBLISHABLE_FROM)
