"""What a board says of the live snapshots: their numbers, judged with care, and no secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from streams.board.compose import BoardMaker, Known
from streams.board.phrases import DASH
from streams.board.snapshots import SnapshotError, read_snapshot
from streams.board.words import EN, SV
from streams.instants import DAY, HOUR, MINUTE, SECOND
from streams.organisations import Part
from tests.wallboard import exempelkommun, instant_of, snapshots_at

if TYPE_CHECKING:
    from streams.board.view import Board, Section, Tile
    from streams.board.words import Language
    from streams.organisations import Organisation
    from streams.views import View

BUSY = instant_of(1, 9, 47)
NIGHT = instant_of(1, 21, 5)


def board_of(
    snapshots: dict[Any, View],
    now: int,
    *,
    language: Language = "sv",
    organisation: Organisation | None = None,
) -> Board:
    """The board of snapshots that are all there."""
    known = {
        channel: Known(read_snapshot(msgspec.json.encode(view)), live=True)
        for channel, view in snapshots.items()
    }
    return BoardMaker(organisation or exempelkommun(), "wall").make(known, language, now)


def section(board: Board, key: str) -> Section:
    """One channel of a board."""
    return next(section for section in board.sections if section.key == key)


def tile(board: Board, channel: str, key: str) -> Tile:
    """One big number of a board."""
    return next(tile for tile in section(board, channel).tiles if tile.key == key)


def copy_of(instant: int) -> dict[str, Any]:
    """Snapshots that a test may change."""
    copy: dict[str, Any] = json.loads(msgspec.json.encode(snapshots_at(instant)))
    return copy


def test_the_big_numbers_are_those_of_the_snapshot() -> None:
    """What hangs on the wall is what every other program reads."""
    snapshots = copy_of(BUSY)
    board = board_of(snapshots, BUSY)
    now, today = snapshots["calls"]["parts"][0]["now"], snapshots["calls"]["parts"][0]["windows"]
    mails = snapshots["emails"]["parts"][0]["now"]
    share = today["today"]

    assert now["waiting"] > 0
    assert tile(board, "calls", "waiting").value == str(int(now["waiting"]))
    assert tile(board, "calls", "longest").seconds == now["longest_wait"]
    assert tile(board, "calls", "answered").value == str(int(share["answered"]))
    assert tile(board, "calls", "abandoned").value == str(int(share["abandoned"]))
    assert tile(board, "calls", "today").note == (
        f"{share['service_level_numerator']} av {share['service_level_n']}"
    )
    assert tile(board, "emails", "open").value == str(int(mails["open"]))
    assert tile(board, "emails", "overdue").value == str(int(mails["overdue"]))


def test_a_share_below_target_is_red_only_beyond_doubt() -> None:
    """164 of 335 is below 80 % whatever chance did; 35 of 44 may be on target tomorrow."""
    board = board_of(copy_of(BUSY), BUSY)
    now, today = tile(board, "calls", "now"), tile(board, "calls", "today")

    assert (today.level, today.word) == ("bad", SV.below.format("80\N{NO-BREAK SPACE}%"))
    assert (now.level, now.word) == ("warn", SV.near.format("80\N{NO-BREAK SPACE}%"))


def test_one_late_mail_of_two_raises_no_alarm() -> None:
    """A share of few contacts is shown with what it rests on, and not judged."""
    snapshots = copy_of(BUSY)
    window = snapshots["emails"]["parts"][0]["windows"]["7d"]["promises"]["reply-in-2-days"]
    window.update(service_level=0.5, service_level_numerator=1, service_level_n=2)
    week = tile(board_of(snapshots, BUSY), "emails", "week")

    assert (week.value, week.note) == ("50\N{NO-BREAK SPACE}%", "1 av 2")
    assert (week.level, week.word) == ("calm", SV.too_few)


@pytest.mark.parametrize(
    ("waiting", "overdue", "level"),
    [(20, 0, "good"), (20, 1, "warn"), (2, 1, "warn"), (20, 9, "bad")],
)
def test_overdue_mail_asks_for_an_answer_and_many_for_help(
    waiting: int, overdue: int, level: str
) -> None:
    """One late mail is to be answered first; red is kept for when the target is lost."""
    snapshots = copy_of(BUSY)
    now = snapshots["emails"]["parts"][0]["now"]
    now["open"] = waiting
    now["promises"]["reply-in-2-days"]["overdue"] = overdue

    assert tile(board_of(snapshots, BUSY), "emails", "overdue").level == level


def test_nothing_is_red_at_night_and_no_word_is_taken_back() -> None:
    """A closed centre is calm, and still says that today was below target."""
    board = board_of(copy_of(NIGHT), NIGHT)
    levels = {tile.level for section in board.sections for tile in section.tiles}
    levels |= {part.level for section in board.sections for part in section.parts}

    assert levels == {"calm"}
    assert tile(board, "calls", "today").word == SV.below.format("80\N{NO-BREAK SPACE}%")
    assert section(board, "calls").hours == "Stängt till i morgon 07:30"
    assert not section(board, "calls").is_open


def test_a_long_wait_is_judged_by_the_promise() -> None:
    """Within the promise, over it, far over it; exactly at its end is still in time."""
    steps = tile(board_of(copy_of(BUSY), BUSY), "calls", "longest").steps

    def level(seconds: float) -> str:
        return next(step.level for step in steps if seconds > step.after)

    assert [level(s) for s in (0, 120, 120.1, 360, 361)] == ["good", "good", "warn", "warn", "bad"]


def test_no_calls_yet_is_neither_a_success_nor_a_failure() -> None:
    """Before the first call of the day there is a dash and a word, no per cent."""
    morning = instant_of(0, 7, 31) - HOUR
    board = board_of(copy_of(morning), morning + HOUR)
    today = tile(board, "calls", "today")

    assert (today.value, today.word, today.level, today.note) == (DASH, SV.no_calls_yet, "calm", "")
    assert tile(board, "calls", "longest").word == SV.nobody_waits


def test_without_snapshots_the_board_says_so() -> None:
    """An empty Redis is no empty queue."""
    board = BoardMaker(exempelkommun(), "wall").make({}, "en", BUSY)

    assert [(s.as_of, s.live, s.tiles, s.empty) for s in board.sections] == [
        (None, False, (), EN.no_numbers_why)
    ] * 2


def test_mail_due_at_one_time_is_one_line_and_an_uncertain_count_says_so() -> None:
    """The list of what falls due ends after twenty, maybe in the middle of an evening."""
    snapshots = copy_of(BUSY)
    due = "2026-11-18T17:00:00+01:00"
    snapshots["emails"]["due_next"] = [
        {"due": "2026-11-17T15:00:00+01:00", "opened": due, "promise": "reply-in-2-days"},
        *[{"due": due, "opened": due, "promise": "reply-in-2-days"}] * 19,
    ]
    listed = section(board_of(snapshots, BUSY), "emails").due

    assert listed is not None
    assert [(time.value, time.label) for time in listed.times] == [
        ("15:00", "1 mejl"),
        ("i morgon 17:00", "19+ mejl"),
    ]


def test_a_list_full_of_other_promises_does_not_say_that_nothing_is_due() -> None:
    """Twenty replies of a second promise come first; those of the first still count."""
    snapshots = copy_of(BUSY)
    snapshots["emails"]["due_next"] = [
        {
            "due": "2026-11-17T15:00:00+01:00",
            "opened": "2026-11-17T08:00:00+01:00",
            "promise": "another",
        }
    ] * 20
    now = snapshots["emails"]["parts"][0]["now"]
    now["promises"]["reply-in-2-days"]["due_within"]["4"] = 3
    listed = section(board_of(snapshots, BUSY), "emails").due

    assert listed is not None
    assert (listed.times, listed.note) == ((), SV.due_soon.format(3, 4))


def test_without_a_promise_for_everybody_nothing_is_said_to_be_in_time() -> None:
    """Promised in single mailboxes only: 0 overdue in all would be good news nobody counted."""
    whole = exempelkommun()
    promises = tuple(
        msgspec.structs.replace(promise, parts=("kontaktcenter",))
        if promise.channel == "emails"
        else promise
        for promise in whole.promises
    )
    organisation = msgspec.structs.replace(whole, promises=promises)
    mails = section(board_of(copy_of(BUSY), BUSY, organisation=organisation), "emails")
    overdue = next(tile for tile in mails.tiles if tile.key == "overdue")

    assert (overdue.value, overdue.word) == (DASH, SV.no_promise)
    assert mails.due is not None
    assert (mails.due.note, mails.due.times) == (SV.no_promise, ())
    assert [part.figures[1].value for part in mails.parts] == ["0", DASH]


def test_no_id_of_anybody_reaches_the_wall() -> None:
    """Neither calls nor conversations can be told apart on a board."""
    text = msgspec.json.encode(board_of(copy_of(BUSY), BUSY)).decode()

    assert "call-2026" not in text
    assert "mail-2026" not in text


def test_a_wall_shows_the_queues_with_most_waiting_and_counts_the_rest() -> None:
    """Twenty queues do not fit; none of them vanishes without a word."""
    organisation = exempelkommun()
    queues = {f"q{n}": Part(f"q{n}", f"Kö {n}", f"Queue {n}") for n in range(20)}
    many = msgspec.structs.replace(organisation, queues=queues)
    snapshots = copy_of(BUSY)
    total, part = snapshots["calls"]["parts"][:2]
    snapshots["calls"]["parts"] = [total] + [
        {**part, "queue": name, "now": {**part["now"], "waiting": n}}
        for n, name in enumerate(queues)
    ]
    shown = section(board_of(snapshots, BUSY, organisation=many), "calls")

    assert [part.key for part in shown.parts] == ["q15", "q16", "q17", "q18", "q19"]
    assert shown.hidden_parts == SV.more_queues.format(15)


def test_a_part_that_is_closed_while_others_are_open_says_so() -> None:
    """Building permits have lunch from 12 to 13; the contact centre has not."""
    noon = instant_of(1, 12, 30)
    mails = section(board_of(copy_of(noon), noon), "emails")

    assert {part.key: part.state for part in mails.parts} == {
        "kontaktcenter": "",
        "bygg": SV.closed,
    }
    assert mails.hours == SV.open_until.format("17:00")


def test_both_languages_say_the_same() -> None:
    """Values, levels and order do not depend on who looks."""
    sv, en = (board_of(copy_of(BUSY), BUSY, language=language) for language in ("sv", "en"))

    for one, other in zip(sv.sections, en.sections, strict=True):
        assert [(t.key, t.level, t.seconds) for t in one.tiles] == [
            (t.key, t.level, t.seconds) for t in other.tiles
        ]
        assert one.title != other.title
    assert tile(en, "calls", "today").word == "Below target 80%"


def test_words_have_the_same_places_to_fill_in_both_languages() -> None:
    """A translation that forgets a number would hide it."""
    for name in SV.__struct_fields__:
        one, other = getattr(SV, name), getattr(EN, name)
        if isinstance(one, str):
            assert one
            assert one.count("{}") == other.count("{}"), name
        else:
            assert len(one) == len(other), name


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"[]",
        b'{"organisation":"x","channel":"calls","as_of":"yesterday","parts":[],"due_next":[]}',
        b'{"organisation":"x","channel":"calls","as_of":"2026-11-17T10:00:00Z","parts":[],"due_next":[]}',
        b'{"organisation":"x","channel":"fax","as_of":"2026-11-17T10:00:00Z","parts":[],"due_next":[]}',
    ],
    ids=["empty", "a list", "no instant", "no total", "an unknown channel"],
)
def test_what_is_no_snapshot_is_refused(stored: bytes) -> None:
    """Another program may write to the same Redis."""
    with pytest.raises(SnapshotError):
        read_snapshot(stored)


def test_replayed_history_follows_its_own_clock() -> None:
    """A simulated morning is open, whatever time it is where it is watched."""
    known: dict[str, Known] = {
        channel: Known(read_snapshot(msgspec.json.encode(view)), live=True)
        for channel, view in snapshots_at(BUSY).items()
    }
    board = BoardMaker(exempelkommun(), "events").make(known, "sv", BUSY + 100 * DAY + 14 * HOUR)

    assert section(board, "calls").hours == "Öppet till 17:00"
    assert section(board, "calls").as_of_text == "kl 09:47:00"


def test_yesterdays_truth_brings_its_day() -> None:
    """A time without a day would look like this morning's."""
    board = board_of(copy_of(BUSY), BUSY + DAY)

    assert section(board, "calls").as_of_text == "kl 17 nov 09:47"
    assert section(board, "calls").stale_after == MINUTE // (SECOND // 1000)
