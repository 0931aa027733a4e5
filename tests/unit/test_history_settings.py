"""How long history is kept, and which names it needs for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agents.settings import Cluster, SettingsError, load_settings
from agents.settings.organisation import organisation_from_text
from streams.instants import DAY

if TYPE_CHECKING:
    from pathlib import Path

TOWN = """
version: 1
display_name: Provkommun
calendars: {default: {hours: {mon-fri: "08:00-16:30"}}}
"""


def cluster_of(folder: Path, text: str) -> Cluster:
    """The settings of a cluster file with one more line."""
    (folder / "organisations").mkdir()
    (folder / "organisations" / "provkommun.yaml").write_text(TOWN, encoding="utf-8")
    (folder / "kontaktpuls.yaml").write_text(f"version: 1\nbrokers: a:1\n{text}\n", "utf-8")
    return load_settings(folder, environ={}).cluster


@pytest.mark.parametrize(
    ("text", "days"), [("", 1096), ("history: 60 days", 60), ("history: 3653 days", 3653)]
)
def test_history_is_three_years_unless_it_is_said(tmp_path: Path, text: str, days: int) -> None:
    """From two months to ten years."""
    assert cluster_of(tmp_path, text).history == days * DAY


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("history: 59 days", "`59 days` is out of range; write 60 days to 3653 days"),
        ("history: 3654 days", "is out of range"),
        (
            "horizon: 90 days\nhistory: 90 days",
            "is not longer than `horizon`; write more than `90 days`",
        ),
    ],
)
def test_a_history_that_cannot_be_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """What is kept one by one is counted afterwards, so counts are kept for longer."""
    with pytest.raises(SettingsError, match=message):
        cluster_of(tmp_path, text)


@pytest.mark.parametrize("kind", ["queues", "mailboxes", "desks"])
def test_no_queue_mailbox_or_desk_is_called_as_topics_are(kind: str) -> None:
    """What calls were about is counted beside them under names that begin with `topic:`."""
    with pytest.raises(SettingsError, match=r"`topic:skola` is no name; write at most 64 letters"):
        organisation_from_text(f'{TOWN}{kind}: {{"topic:skola": Skola}}\n')
