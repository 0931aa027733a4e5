"""A row of a table of calls becomes the call it describes, or says why it does not."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from agents.settings import SettingsError
from agents.sources.calls_csv import HeaderError, convert_calls
from agents.sources.calls_csv_mapping import load_mapping, mapping_from_text
from streams.parsers.calls_csv import ENDED_BEFORE_ANSWERED, CallsCsvParser, Parsed
from streams.parsers.rows import RowError
from streams.pseudonyms import create_pseudonymiser

if TYPE_CHECKING:
    from streams.parsers.calls_csv_mapping import CallsCsvMapping

MAPPINGS = Path(__file__).parents[2] / "config" / "mappings"
STOCKHOLM = ZoneInfo("Europe/Stockholm")
WINTER = timezone(timedelta(hours=1))

CLOCKS = """
version: 1
date: day
call: [day, id]
queue: {column: queue, names: {V: vaxel}}
entered: {clock: menu_out, since: menu_in}
answered: {seconds: wait}
left: {seconds: wait}
ended: {clock: end, unless: {end: "-"}}
outcome: {column: outcome, values: {A: answered, H: abandoned, T: timeout}}
no_call:
  - when: {outcome: H, wait: "0"}
    because: hung up in the menu
checks:
  - {name: negative-menu, explanation: "", negative: menu}
  - name: wait-disagrees
    explanation: ""
    interval: {start: {clock: menu_out}, end: {clock: start}, seconds: wait, tolerance: 1}
  - name: answered-by-nobody
    explanation: nobody is named
    when: {outcome: A, member: ""}
  - name: far-from-queue
    explanation: ""
    near: {moment: {clock: start}, to: answered, tolerance: 10}
  - {name: out-of-order, explanation: "", order: {clock: menu_in}}
"""

ROW = {
    "day": "2026-11-16",
    "id": "7",
    "queue": "V",
    "menu_in": "08:00:00",
    "menu_out": "08:00:10",
    "menu": "10",
    "wait": "30",
    "start": "08:00:40",
    "end": "08:03:00",
    "outcome": "A",
    "member": "anna",
}

STAMPS = """
version: 1
call: [id]
queue: {name: vaxel}
formats: {timestamp: FORMAT}
entered: {timestamp: entered}
answered: {timestamp: answered}
ended: {timestamp: ended}
outcome: {column: outcome, values: {A: answered}}
"""


def parser(mapping: CallsCsvMapping, *, key: bytes | None = None) -> CallsCsvParser:
    """A parser of Exempelkommun's rows."""
    pseudonymise = None if key is None else create_pseudonymiser(key)
    return CallsCsvParser(
        mapping, organisation="exempelkommun", zone=STOCKHOLM, pseudonymise=pseudonymise
    )


def parse(**differs: str) -> Parsed:
    """What the usual row says when these columns differ."""
    return parser(mapping_from_text(CLOCKS, "m.yaml")).parse(ROW | differs)


def parse_stamps(form: str, entered: str, answered: str, ended: str) -> Parsed:
    """What a row of time stamps says."""
    mapping = mapping_from_text(STAMPS.replace("FORMAT", form), "m.yaml")
    row = {"id": "1", "entered": entered, "answered": answered, "ended": ended, "outcome": "A"}
    return parser(mapping).parse(row)


def problems(text: str) -> list[str]:
    """What is wrong with a mapping."""
    with pytest.raises(SettingsError) as caught:
        mapping_from_text(text, "m.yaml")
    return str(caught.value).splitlines()


def test_an_answered_row_is_a_call_from_its_entry_to_its_end() -> None:
    """Entry comes from the menu's end, the answer from the wait, the end from its clock."""
    event = parse().event

    assert event is not None
    assert (event.call, event.queue) == ("2026-11-16-7", "vaxel")
    assert event.entered_at == datetime(2026, 11, 16, 8, 0, 10, tzinfo=WINTER)
    assert event.answered_at == datetime(2026, 11, 16, 8, 0, 40, tzinfo=WINTER)
    assert event.ended_at == datetime(2026, 11, 16, 8, 3, tzinfo=WINTER)
    assert (event.left_at, event.reason) == (None, None)


def test_an_unanswered_row_says_when_and_why_the_caller_left() -> None:
    """The reason is the outcome in the words of the events, and nothing was begun or ended."""
    event = parse(outcome="T", wait="300").event

    assert event is not None
    assert (event.reason, event.answered_at, event.ended_at) == ("timeout", None, None)
    assert event.left_at == datetime(2026, 11, 16, 8, 5, 10, tzinfo=WINTER)


def test_an_unnamed_queue_keeps_the_name_it_has_in_the_file() -> None:
    """Only values under `names` are renamed."""
    event = parse(queue="bygg").event

    assert event is not None
    assert event.queue == "bygg"


def test_a_row_that_is_no_call_gives_no_event_but_its_reason() -> None:
    """Hanging up in the voice menu is not an abandoned call."""
    parsed = parse(outcome="H", wait="0")

    assert (parsed.event, parsed.no_call) == (None, "hung up in the menu")


@pytest.mark.parametrize(
    ("differs", "entered", "ended"),
    [
        pytest.param(
            {"menu_in": "23:59:50", "menu_out": "00:00:05", "end": "00:04:00", "start": "00:00:35"},
            datetime(2026, 11, 17, 0, 0, 5, tzinfo=WINTER),
            datetime(2026, 11, 17, 0, 4, tzinfo=WINTER),
            id="midnight passes in the menu",
        ),
        pytest.param(
            {"menu_in": "23:59:40", "menu_out": "23:59:50", "end": "00:04:00", "start": "00:00:20"},
            datetime(2026, 11, 16, 23, 59, 50, tzinfo=WINTER),
            datetime(2026, 11, 17, 0, 4, tzinfo=WINTER),
            id="midnight passes in the queue",
        ),
    ],
)
def test_a_clock_far_earlier_than_the_one_before_belongs_to_the_next_day(
    differs: dict[str, str], entered: datetime, ended: datetime
) -> None:
    """Clocks without a date pass midnight when they fall back by more than twelve hours."""
    parsed = parse(**differs)

    assert parsed.event is not None
    assert (parsed.event.entered_at, parsed.event.ended_at) == (entered, ended)
    assert parsed.contradictions == ()


def test_a_clock_a_little_earlier_than_the_one_before_is_no_midnight() -> None:
    """A menu that ends a minute before it begins is dirt, not the next day."""
    parsed = parse(menu_in="08:01:10", menu="-60")

    assert parsed.event is not None
    assert parsed.event.entered_at == datetime(2026, 11, 16, 8, 0, 10, tzinfo=WINTER)
    assert parsed.contradictions == ("negative-menu",)


def test_the_hour_that_comes_twice_is_the_second_one_where_time_would_run_backwards() -> None:
    """In the autumn night 02:10 follows 02:50 when the clocks were turned between them."""
    day = "2026-10-25"
    event = parse_stamps(
        '"%Y-%m-%d %H:%M:%S"', f"{day} 02:50:00", f"{day} 02:10:00", f"{day} 02:20:00"
    ).event

    # Python calls no two zones' times in that hour equal, so their texts are compared.
    assert event is not None
    assert event.entered_at.isoformat() == "2026-10-25T02:50:00+02:00"
    assert event.answered_at is not None
    assert event.answered_at.isoformat() == "2026-10-25T02:10:00+01:00"
    assert event.ended_at is not None
    assert event.ended_at.isoformat() == "2026-10-25T02:20:00+01:00"


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        ("epoch", ("1792915200", "1792915230.5", "1792915260")),
        ("epoch_ms", ("1792915200000", "1792915230500", "1792915260000")),
        ("rfc3339",
         ("2026-10-25T08:00:00Z", "2026-10-25T09:00:30.5+01:00", "2026-10-25T08:01:00Z")),
        ('"%d/%m/%Y %H.%M.%S,%f"',
         ("25/10/2026 09.00.00,0", "25/10/2026 09.00.30,5", "25/10/2026 09.01.00,0")),
    ],
)  # fmt: skip
def test_time_stamps_are_read_in_any_common_form(form: str, texts: tuple[str, str, str]) -> None:
    """Epochs, RFC 3339 and whatever `strptime` knows name the same instants."""
    event = parse_stamps(form, *texts).event

    assert event is not None
    assert event.entered_at == datetime(2026, 10, 25, 8, tzinfo=UTC)
    assert event.answered_at == datetime(2026, 10, 25, 8, 0, 30, 500_000, tzinfo=UTC)
    assert event.ended_at == datetime(2026, 10, 25, 8, 1, tzinfo=UTC)


def test_a_wait_may_be_written_as_a_clock() -> None:
    """`1:05` is sixty-five seconds."""
    event = parse(wait="1:05").event

    assert event is not None
    assert event.answered_at == datetime(2026, 11, 16, 8, 1, 15, tzinfo=WINTER)


@pytest.mark.parametrize(
    ("differs", "name"),
    [
        pytest.param({"menu": "-3"}, "negative-menu", id="a negative duration"),
        pytest.param({"start": "08:00:42"}, "wait-disagrees", id="clocks against a duration"),
        pytest.param({"member": ""}, "answered-by-nobody", id="a combination of values"),
    ],
)
def test_a_contradiction_is_named_and_changes_nothing(differs: dict[str, str], name: str) -> None:
    """What a row says twice and differently is counted, and the call stays as the mapping reads."""
    parsed = parse(**differs)

    assert parsed.contradictions == (name,)
    assert parsed.event == parse().event


def test_service_far_from_the_end_of_the_queue_is_a_contradiction() -> None:
    """Ten seconds either way are tolerated here, eleven are not."""
    fine, far = parse(start="08:00:50", wait="30"), parse(start="08:00:51", wait="30")

    assert "far-from-queue" not in fine.contradictions
    assert "far-from-queue" in far.contradictions


def test_a_row_before_its_predecessor_is_out_of_order() -> None:
    """Order is judged against the row above, so only the row that falls back counts."""
    reader = parser(mapping_from_text(CLOCKS, "m.yaml"))
    clocks = ("08:00:00", "07:59:00", "07:59:30")
    found = [reader.parse(ROW | {"menu_in": clock}).contradictions for clock in clocks]

    assert found == [(), ("out-of-order",), ()]


def test_an_end_before_the_answer_is_left_out_and_counted() -> None:
    """No conversation ends before it begins; the answer still counts."""
    parsed = parse(end="08:00:39")

    assert parsed.event is not None
    assert (parsed.event.ended_at, parsed.contradictions) == (None, (ENDED_BEFORE_ANSWERED,))
    assert parsed.event.answered_at is not None


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({"outcome": "X"}, "`X` in `outcome` is not among the mapping's outcomes; "),
        ({"wait": "soon"}, "`soon` in `wait` is no duration; write seconds or H:MM:SS"),
        ({"menu_out": "8.00"}, "`8.00` in `menu_out` is no clock written `%H:%M:%S`"),
        ({"day": "16/11"}, "`16/11` in `day` is no date written `%Y-%m-%d`"),
        ({"wait": "-5"}, "`answered` lies 5 s before `entered`; such a row describes no call"),
        ({"queue": " "}, "the name of the queue is 0 characters; write 1 to 256"),
        ({"day": "9999-12-31"}, "a time lies before 1970 or after 2198; "),
    ],
)
def test_a_row_that_cannot_be_read_says_what_is_wrong(differs: dict[str, str], reason: str) -> None:
    """The person who mends the file or the mapping is told column, value and rule."""
    with pytest.raises(RowError) as caught:
        parse(**differs)

    assert str(caught.value).startswith(reason)


def test_milliseconds_are_not_taken_for_seconds() -> None:
    """A time in the year 58000 is a wrong unit, and the message says which one is right."""
    with pytest.raises(RowError, match="is it `epoch_ms`"):
        parse_stamps("epoch", "1792915200000", "1792915230000", "1792915260000")


def test_a_caller_leaves_as_a_pseudonym_or_not_at_all() -> None:
    """The same number has the same pseudonym under one key only, and `none` values have none."""
    mapping = mapping_from_text(f'{CLOCKS}\ncaller: {{columns: [tel], none: ["", "0"]}}', "m.yaml")
    one, other = b"a key of sixteen", b"another key of sixteen"

    def caller(number: str, key: bytes | None) -> str | None:
        event = parser(mapping, key=key).parse(ROW | {"tel": number}).event
        assert event is not None
        return event.caller

    assert caller("0511-32000", one) == caller("0511-32000", one)
    assert caller("0511-32000", one) != caller("0511-32000", other)
    assert len(caller("0511-32000", one) or "") == 16
    assert caller("0", one) is caller("", one) is caller("0511-32000", None) is None


def test_a_short_key_makes_no_pseudonyms() -> None:
    """A guessable key is refused rather than used."""
    with pytest.raises(ValueError, match="the key has 6 bytes"):
        create_pseudonymiser(b"secret")


def test_every_problem_of_a_mapping_is_told_with_its_line() -> None:
    """Whoever writes a mapping mends it in one go."""
    text = """version: 2
call: id
queue: {colum: q, name: 3}
entered: {clock: a}
outcome:
  column: o
  values: {A: answerd}
no_call:
  - when: {a: 3}
    because: x
checks:
  - {name: x, explanation: y, intervall: 3}
"""

    assert problems(text) == [
        "m.yaml:1: version: `2` is not possible here; write 1",
        "m.yaml:2: call: `id` is not a list; write `[a, b]`",
        "m.yaml:3: queue.colum: is no key of a mapping; did you mean `column`?",
        "m.yaml:3: queue.name: `3` is not text; put it in quotes",
        (
            "m.yaml:7: outcome.values.A: `answerd` is not possible here; write `answered` or "
            "`abandoned`, `timeout`, `key`, `empty`, `withdrawn`, `callback`, `transferred` or "
            "`unknown`"
        ),
        (
            "m.yaml:9: no_call[0].when.a: `3` is no value; write text in quotes, a list, or "
            "`{other_than: ...}`"
        ),
        "m.yaml:12: checks[0].intervall: is no key of a mapping; did you mean `interval`?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("date: day\n", "", "a `clock` needs a day; write the column of the day as `date`"),
        ("{clock: menu_out, since: menu_in}", "{seconds: wait}", "no moment before it"),
        ("left: {seconds: wait}\n", "", "an outcome is `abandoned`; write when the caller left"),
        ("answered: {seconds: wait}\n", "", "an outcome is `answered`; write when, as `answered`"),
        ("{seconds: wait}", "{seconds: wait, clock: x}", "`clock` and `seconds` given"),
        ("{seconds: wait}", "{since: wait}", "none given; write exactly one of"),
        ("[day, id]", "[]", "`call` is empty"),
        ("names: {V: vaxel}", "name: vaxel", "write either `column` (one queue a row) or `name`"),
        ("name: negative-menu", "name: Negative", "`Negative` is no check's name"),
        ("negative: menu}", "order: {seconds: menu}}", "`order` has no moment before it"),
        ("negative: menu}", "negative: menu, order: {clock: end}}", "a check looks at one thing"),
        (", negative: menu}", "}", "write what contradicts"),
        ('when: {outcome: H, wait: "0"}', "when: {}", "an empty `when` fits every row"),
        ("version: 1", "version: 1\ndelimiter: '||'", "write one character or `tab`"),
        ("version: 1", "version: 1\nencoding: utf-16", "convert UTF-16 first"),
        ("version: 1", "version: 1\nencoding: utf-88", "is no encoding"),
        ("version: 1", "version: 1\ntime_zone: Europe/Stokholm", "`Europe/Stokholm` is no time"),
        ("version: 1", "version: 1\nversion: 1", "is written twice"),
        ("queue: {column: queue, names: {V: vaxel}}", "", "queue: is missing"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_work_is_refused(old: str, new: str, message: str) -> None:
    """A mapping is checked as a whole before the first row is read."""
    assert old in CLOCKS

    assert message in "\n".join(problems(CLOCKS.replace(old, new)))


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_mapping_that_is_shipped_can_be_used(path: Path) -> None:
    """An example that does not work teaches nothing."""
    mapping = load_mapping(path)

    assert mapping.columns()


def test_the_generic_mapping_reads_the_table_in_its_own_comment() -> None:
    """The comment's rows are what its reader will copy."""
    path = MAPPINGS / "generic.yaml"
    shown = [line[4:] for line in path.read_text().splitlines() if line.count(",") == 9]
    calls: list[str] = []
    summary = convert_calls(
        io.BytesIO("\n".join(shown).encode()),
        parser(load_mapping(path)),
        on_event=lambda event: calls.append(f"{event.call} {event.queue} {event.reason}"),
        on_bad_row=lambda line, reason: pytest.fail(f"{line}: {reason}"),
    )

    assert calls == ["1001 vaxel None", "1002 omsorg abandoned"]
    assert summary.contradictions == {}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"", "the file is empty; its first line should name the columns"),
        (b"id,enterd,answered,ended,outcome", "no column `entered` (did you mean `enterd`?)"),
        (b"id;entered;answered;ended;outcome", "or its `delimiter` if all columns came as one"),
        (b"id,id,entered,answered,ended,outcome", "the column `id` is there twice"),
    ],
)
def test_a_header_that_does_not_fit_the_mapping_stops_at_once(header: bytes, message: str) -> None:
    """Without its columns not a single row could be read."""
    mapping = mapping_from_text(STAMPS.replace("FORMAT", "epoch"), "m.yaml")
    with pytest.raises(HeaderError) as caught:
        convert_calls(io.BytesIO(header), parser(mapping), on_event=print, on_bad_row=print)

    assert message in str(caught.value)


def test_bad_rows_are_told_by_line_and_the_good_ones_are_read() -> None:
    """A missing column, a foreign byte, an open quote or an endless line costs its own row only."""
    mapping = mapping_from_text(STAMPS.replace("FORMAT", "epoch"), "m.yaml")
    good = b"1,1792915200,1792915230,1792915260,A"
    table = b"\n".join(
        [
            b'\xef\xbb\xbf"id",entered,answered,ended,outcome\r',
            good + b"\r",
            b"2,1792915200",
            b"",
            b"\xe5,1,1,1,A",
            b'"4,1792915200,1792915230,1792915260,A',
            b"5" * 200_000,
            good,
        ]
    )
    bad: list[str] = []
    calls: list[str] = []
    summary = convert_calls(
        io.BytesIO(table),
        parser(mapping),
        on_event=lambda event: calls.append(event.call),
        on_bad_row=lambda line, reason: bad.append(f"{line}: {reason}"),
    )

    assert calls == ["1", "1"]
    assert (summary.rows, summary.events, summary.bad) == (6, 2, 4)
    assert bad == [
        "3: 2 columns, but the first line names 5",
        "5: byte 1 is not utf-8; write the file's own `encoding`",
        "6: cannot be split into columns: unexpected end of data",
        "7: longer than 65,536 bytes; is this a table of calls?",
    ]
