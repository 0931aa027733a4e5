"""The frame of every board: grid, variables, links to the other boards, alerts in the graphs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    Panel,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from agents.render import names
from agents.render.boards.naming import BOARD_NAMES, board_tag, board_uid
from agents.render.boards.panels import source
from agents.render.boards.queries import REAL_ALERTS, pick
from agents.render.boards.words import TITLES, WINDOW_NAMES, Text
from streams.conventions import Label
from streams.windows import WINDOWS

if TYPE_CHECKING:
    from agents.render.boards.naming import BoardName
    from streams.board.words import Language

COMMAND: Final = "kontaktpuls render"
COLUMNS: Final = 24
REFRESHES: Final = ["5s", "15s", "30s", "1m", "5m", "15m"]
EVERYTHING: Final = ".+"
"""What `All` of a variable matches: every series that has the label at all."""
ALERT_COLOUR: Final = "red"

LABEL_NAMES: Final = {
    Label.ORGANISATION: Text("Organisation", "Organisation"),
    Label.QUEUE: Text("Kö", "Queue"),
    Label.MAILBOX: Text("Brevlåda", "Mailbox"),
    Label.WINDOW: Text("Period", "Window"),
    Label.PROMISE: Text("Löfte", "Promise"),
}


class Board:
    """One board in one language, under construction from the top down."""

    def __init__(
        self,
        name: BoardName,
        language: Language,
        *,
        what: Text,
        since: str,
        refresh: str,
    ) -> None:
        """An empty board.

        Args:
            name: which board.
            language: of everything on it.
            what: what it is for.
            since: beginning of the time range, such as `now-6h`.
            refresh: how often it asks anew.
        """
        self.language = language
        self._y = 0
        self._panels = 0
        self._organisation_matcher = ""
        generated = self.say(
            f"Gjord av `{COMMAND}`: ändringar i filen går förlorade.",
            f"Made by `{COMMAND}`: changes to the file are lost.",
        )
        self._dashboard = (
            dashboard.Dashboard(f"Kontaktpuls: {TITLES[name].say(language)}")
            .uid(board_uid(name, language))
            .description(f"{what.say(language)} {generated}")
            .tags(["kontaktpuls", board_tag(language)])
            .timezone("browser")
            .week_start("monday")
            .time(since, "now")
            .refresh(refresh)
            .timepicker(dashboard.TimePicker().refresh_intervals(REFRESHES))
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .readonly()
        )
        for other in BOARD_NAMES:
            if other != name:
                self._link(other)

    def say(self, sv: str, en: str) -> str:
        """Whichever is in the board's language."""
        return Text(sv, en).say(self.language)

    def choose(
        self,
        label: Label,
        series: str,
        *matchers: str,
        name: str = "",
        title: Text | None = None,
        several: bool = False,
        hidden: bool = False,
    ) -> None:
        """A variable whose values are those of a label of a recorded series."""
        if label == Label.ORGANISATION and not hidden:
            self._organisation_matcher = f'{label}=~"${label}|"'
        values = f"label_values({pick(series, *matchers)}, {label})"
        variable = (
            dashboard.QueryVariable(name or label.value)
            .label((title or LABEL_NAMES[label]).say(self.language))
            .datasource(source())
            .query({"qryType": 1, "query": values, "refId": f"variable-{name or label}"})
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.ALPHABETICAL_ASC)
            .allow_custom_value(False)
            .multi(several)
            .include_all(several)
        )
        if several:
            everything = VariableOption(selected=True, text=["All"], value=["$__all"])
            variable.all_value(EVERYTHING).current(everything)
        if hidden:
            variable.hide(VariableHide.HIDE_VARIABLE)
        self._dashboard.with_variable(variable)

    def choose_organisation(self, *, several: bool = False) -> None:
        """The variable of the organisation."""
        self.choose(Label.ORGANISATION, names.AS_OF, several=several)

    def remember_organisation(self) -> None:
        """The organisation that was chosen elsewhere, for the links from here to know it."""
        self.choose(Label.ORGANISATION, names.AS_OF, hidden=True)

    def choose_window(self, first: str) -> None:
        """The variable of the window, `first` chosen; by name, in the order of their length."""
        said = {window: WINDOW_NAMES[window].say(self.language) for window in WINDOWS}
        options = [
            VariableOption(selected=window == first, text=text, value=window)
            for window, text in said.items()
        ]
        self._dashboard.with_variable(
            dashboard.CustomVariable(Label.WINDOW.value)
            .label(LABEL_NAMES[Label.WINDOW].say(self.language))
            .values(", ".join(f"{text} : {window}" for window, text in said.items()))
            .options(options)
            .current(options[WINDOWS.index(first)])
            .allow_custom_value(False)
        )

    def heading(self, title: Text) -> None:
        """A line with a title over what follows."""
        self._panels += 1
        self._dashboard.with_row(
            dashboard.Row(title.say(self.language))
            .id(self._panels)
            .grid_pos(GridPos(h=1, w=COLUMNS, x=0, y=self._y))
        )
        self._y += 1

    def row(self, height: int, *panels: tuple[int, Panel]) -> None:
        """Panels side by side, each with its width in columns.

        Raises:
            ValueError: they are wider than the board.
        """
        x = 0
        for width, panel in panels:
            self._panels += 1
            panel.id_val = self._panels
            panel.grid_pos = GridPos(h=height, w=width, x=x, y=self._y)
            self._dashboard.with_panel(_Ready(panel))
            x += width
        if x > COLUMNS:
            msg = f"panels of {x} columns do not fit side by side; make them {COLUMNS} together"
            raise ValueError(msg)
        self._y += height

    def text(self) -> str:
        """The file."""
        made: dict[str, Any] = json.loads(JSONEncoder().encode(self._dashboard.build()))
        made["annotations"] = {"list": [self._alerts()]}
        return json.dumps(made, ensure_ascii=False, indent=2) + "\n"

    def _link(self, other: BoardName) -> None:
        """A link that keeps what is chosen and the time."""
        self._dashboard.link(
            dashboard.DashboardLink(TITLES[other].say(self.language))
            .type(DashboardLinkType.LINK)
            .icon("dashboard")
            .url(f"/d/{board_uid(other, self.language)}")
            .include_vars(True)
            .keep_time(other != "live")
        )

    def _alerts(self) -> dict[str, object]:
        """Firing alerts, drawn into every graph; the SDK's annotations know no titles."""
        firing = f'alertstate="firing",{REAL_ALERTS}'
        return {
            "name": self.say("Larm", "Alerts"),
            "datasource": source().to_json(),
            "enable": True,
            "hide": False,
            "iconColor": ALERT_COLOUR,
            "expr": pick("ALERTS", firing, *filter(None, [self._organisation_matcher])),
            "step": "60s",
            "titleFormat": "{{alertname}}",
            "textFormat": " ".join(
                f"{{{{{label}}}}}"
                for label in (Label.ORGANISATION, Label.QUEUE, Label.MAILBOX, Label.PROMISE)
            ),
            "tagKeys": "severity",
        }


class _Ready(Builder[Panel]):
    """A panel that is built already, where the SDK wants somebody to build it."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def build(self) -> Panel:
        """The panel."""
        return self._panel
