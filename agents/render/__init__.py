"""Files made from the KPI registry and the configuration: rules, runbook index, boards.

They are committed for the configuration that is shipped, and kept in step by a test. Operators
render them anew after a change of `config/`. Whoever adds a file adds one line to `RENDERED`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render.alertmanager import render_alertmanager
from agents.render.boards.files import makeable
from agents.render.rules_file import (
    COMMAND,
    render_calls,
    render_emails,
    render_platform,
    render_recording,
    render_truth,
)
from agents.render.runbook_index import render_runbook_index

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.settings import Settings

__all__ = ["COMMAND", "RENDERED", "render_all"]


RULES = "config/prometheus/rules"
RENDERED: dict[str, Callable[[Settings, float], str]] = {
    f"{RULES}/recording.rules.yml": render_recording,
    f"{RULES}/calls.rules.yml": render_calls,
    f"{RULES}/emails.rules.yml": render_emails,
    f"{RULES}/truth.rules.yml": render_truth,
    f"{RULES}/platform.rules.yml": render_platform,
    "config/alertmanager/alertmanager.yml": render_alertmanager,
    "docs/runbooks/README.md": render_runbook_index,
    **makeable(),
}
"""How each file is made, by its path from the root of the checkout, from the settings and the speed
of the events (1 = as in life)."""


def render_all(settings: Settings, *, speed: float = 1) -> dict[str, str]:
    """The text of every file, by path; nothing is written."""
    return {name: render(settings, speed) for name, render in RENDERED.items()}
