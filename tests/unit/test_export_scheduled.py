"""One scheduled export: in which order it is put in its place, mailed and marked, and when not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import msgspec
import pytest

from agents.exports import scheduled as module
from agents.exports.files import Manifest, publish_first, read_manifest, write_hidden
from agents.exports.lock import LockLostError
from agents.exports.mail import Letter, MailError
from agents.exports.marks import Mark
from agents.exports.reports import Outcome
from agents.exports.scheduled import ScheduledExports
from agents.settings import load_settings
from streams.exports.periods import Period
from streams.exports.schedule import Due
from streams.instants import HOUR, MINUTE, parse_rfc3339, to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streams.organisations import Organisation

DUE = Due("skara", Period("week", 2026, 47), parse_rfc3339("2026-11-23T06:00:00+01:00"))
KEY = "skara|2026-W47"
FILES = {"a.csv": b"numbers"}


def about(made_at: int) -> Manifest:
    """What a set says about itself."""
    return Manifest(
        organisation="skara",
        period="2026-W47",
        kind="week",
        made_at=to_rfc3339(made_at),
        as_of=to_rfc3339(made_at),
        complete=True,
        final=True,
    )


class Stage:
    """An export with everything around it in our hands; `done` says in which order things came.

    Attributes:
        events: what happens when something is asked or done, by its name.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, mail: str) -> None:
        (folder / "organisations").mkdir()
        (folder / "organisations" / "skara.yaml").write_text(
            "display_name: Skara\ncalendars: {default: {hours: {mon-fri: 08:00-16:30}}}\n"
            f"exports: {{mail: {mail}}}\n",
            "utf-8",
        )
        (folder / "kontaktpuls.yaml").write_text(
            f"brokers: 'a:1'\nexports: {{folder: {folder / 'out'}}}\n", "utf-8"
        )
        self.place = folder / "out" / "skara" / "2026-W47"
        self.done: list[str] = []
        self.free = True
        self.lost_after = ""
        self.by_key: dict[str, Mark] = {}
        self.highest_token = 6
        self.events: dict[str, Callable[[], None]] = {}
        monkeypatch.setattr(module, "ExportLock", self._lock)
        monkeypatch.setattr(module, "send_mail", self._send)
        self.exports = ScheduledExports(
            load_settings(folder, environ={}),
            redis=cast("Any", None),
            marks=cast("Any", self),
            make=self._make,
            write=self._write,
            clock=lambda: DUE.due_at + MINUTE,
        )

    def happens(self, what: str) -> None:
        """Note it, and let happen what the test wants to."""
        self.done.append(what)
        self.events.get(what, lambda: None)()

    async def read_on(self) -> None:
        """Marks are as the test has them."""

    async def write(self, key: str, mark: Mark) -> None:
        """The mark is there for everybody."""
        self.by_key[key] = mark
        self.happens("marked")

    def _lock(self, *_: object, **__: object) -> _Lock:
        return _Lock(self)

    def _make(self, _due: Due, made_at: int) -> tuple[Manifest, dict[str, bytes]]:
        self.happens("made")
        return about(made_at), FILES

    def _write(self, place: Path, manifest: Manifest, organisation: Organisation) -> Letter:
        assert read_manifest(place) == manifest
        return Letter(
            message_id="<1@skara.example>",
            sent_at=0,
            sender="a@skara.example",
            recipients=organisation.exports.mail,
            subject="",
            text="",
            attachments={},
        )

    def _send(self, *_: object) -> None:
        self.happens("mailed")


class _Lock:
    """A lock that the test takes away."""

    def __init__(self, stage: Stage) -> None:
        self.token = 0
        self._stage = stage

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stage.done.append("given back")

    async def take(self, *, above: int) -> bool:
        self.token = above + 1
        return self._stage.free

    async def check(self) -> None:
        if self._stage.lost_after in self._stage.done:
            raise LockLostError


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Monday at six, somebody wants a mail."""
    return Stage(tmp_path, monkeypatch, "[kvalitet@skara.example]")


async def test_files_come_before_the_mail_and_the_mark_comes_last(stage: Stage) -> None:
    """Whatever is missing after a crash is what is done again."""
    stage.events["mailed"] = lambda: stage.done.append(f"files there: {stage.place.exists()}")

    assert await stage.exports.export(DUE) is Outcome.DONE
    assert stage.done == ["made", "mailed", "files there: True", "marked", "given back"]

    mark = stage.by_key[KEY]
    manifest = read_manifest(stage.place)
    assert manifest is not None
    assert (mark.token, mark.files, mark.message_id) == (7, manifest.sums, "<1@skara.example>")
    assert [path.name for path in stage.place.parent.iterdir()] == ["2026-W47"]


async def test_what_is_done_or_in_other_hands_is_left_alone(stage: Stage) -> None:
    """Nothing is made, nobody is written to."""
    stage.free = False
    assert await stage.exports.export(DUE) is Outcome.HELD

    stage.free = True
    stage.by_key[KEY] = Mark(1, to_rfc3339(0), {})
    assert await stage.exports.export(DUE) is Outcome.DONE
    assert set(stage.done) == {"given back"}


async def test_a_set_that_is_whole_is_mailed_as_it_is(stage: Stage) -> None:
    """Somebody was killed after the files: the mail shows what the files show."""
    present = about(DUE.due_at + 1)
    publish_first(write_hidden(stage.place, {"a.csv": b"theirs"}, present), stage.place)

    assert await stage.exports.export(DUE) is Outcome.DONE
    assert stage.done == ["mailed", "marked", "given back"]
    assert (stage.place / "a.csv").read_bytes() == b"theirs"


@pytest.mark.parametrize("fault", ["made before the week was over", "damaged"])
async def test_a_set_that_cannot_be_the_week_is_replaced(stage: Stage, fault: str) -> None:
    """On Wednesday somebody exported the current week by hand; on Monday it is over."""
    early = about(DUE.due_at - HOUR)
    present = early if "before" in fault else about(DUE.due_at + 1)
    publish_first(write_hidden(stage.place, {"a.csv": b"half"}, present), stage.place)
    if fault == "damaged":
        (stage.place / "a.csv").write_bytes(b"ha")

    assert await stage.exports.export(DUE) is Outcome.DONE
    assert (stage.place / "a.csv").read_bytes() == b"numbers"
    assert [path.name for path in stage.place.parent.iterdir()] == ["2026-W47"]


async def test_of_two_who_both_believe_to_hold_the_lock_the_first_set_stays(stage: Stage) -> None:
    """The slower one mails and marks what the quicker one has put there."""
    theirs = about(DUE.due_at + 1)

    def quicker() -> None:
        publish_first(write_hidden(stage.place, {"a.csv": b"theirs"}, theirs), stage.place)

    stage.events["made"] = quicker

    await stage.exports.export(DUE)

    assert (stage.place / "a.csv").read_bytes() == b"theirs"
    assert stage.by_key[KEY].files == read_sums(stage.place)
    assert [path.name for path in stage.place.parent.iterdir()] == ["2026-W47"]


@pytest.mark.parametrize(
    ("after", "happened"),
    [("made", ["made"]), ("mailed", ["made", "mailed"])],
)
async def test_whoever_loses_the_lock_stops_before_the_next_step(
    stage: Stage, after: str, happened: list[str]
) -> None:
    """A worker that was frozen puts nothing in its place, mails nothing, marks nothing."""
    stage.lost_after = after
    with pytest.raises(LockLostError):
        await stage.exports.export(DUE)

    assert stage.done == [*happened, "given back"]
    assert stage.place.exists() == ("mailed" in happened)
    assert [path for path in stage.place.parent.glob(".*") if path.is_dir()] == []


async def test_whoever_finds_it_done_in_the_meantime_stops(stage: Stage) -> None:
    """Redis was flushed, another worker got the lock and was quicker."""
    theirs = Mark(9, to_rfc3339(0), {})
    stage.events["made"] = lambda: stage.by_key.update({KEY: theirs})

    assert await stage.exports.export(DUE) is Outcome.DONE
    assert stage.done == ["made", "given back"]
    assert stage.by_key[KEY] == theirs


async def test_without_recipients_it_is_filed_and_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to be written to."""
    stage = Stage(tmp_path, monkeypatch, "[]")

    assert await stage.exports.export(DUE) is Outcome.DONE
    assert stage.done == ["made", "marked", "given back"]
    assert stage.by_key[KEY].message_id is None


async def test_a_mail_that_is_refused_is_no_export(stage: Stage) -> None:
    """There is no mark, so that it is tried again; the files stay for whoever looks."""

    def refuse() -> None:
        raise MailError

    stage.events["mailed"] = refuse
    with pytest.raises(MailError):
        await stage.exports.export(DUE)

    assert stage.by_key == {}
    assert stage.place.exists()


def read_sums(place: Path) -> dict[str, str]:
    """What the manifest of a set vouches for."""
    return msgspec.json.decode((place / "manifest.json").read_bytes(), type=Manifest).sums
