"""A row of a table of calls becomes the call it describes, or says why it does not."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from agents.settings import SettingsError
from agents.sources import calls_csv_json
from agents.sources.calls_csv import convert_calls
from agents.sources.calls_csv_mapping import load_mapping, mapping_from_text
from agents.sources.calls_csv_table import HeaderError
from streams.parsers.calls_csv import ENDED_BEFORE_ANSWERED, CallsCsvParser, Parsed
from streams.parsers.rows import RowError
from streams.pseudonyms import create_pseudonymiser

if TYPE_CHECKING:
    from agents.sources.calls_csv import Summary
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
        ({"day": "9999-12-31"}, "a time lies before 1971 or after 2199; "),
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


def test_a_time_of_zero_is_never() -> None:
    """Exchanges write 0 for what did not happen, and no call happened in 1970."""
    with pytest.raises(RowError, match="mostly means never; name such rows under `unless`"):
        parse_stamps("epoch", "1792915200", "0", "1792915260")


def test_a_column_may_be_made_of_others() -> None:
    """The first column that says something counts, and only the part of it that is meant."""
    text = STAMPS.replace("FORMAT", "epoch").replace("call: [id]", "call: [made]")
    text += 'derived: {made: {first_of: [other, id], after: "-", until: "."}}'
    reader = parser(mapping_from_text(text, "m.yaml"))
    row = {"entered": "1792915200", "answered": "1792915201", "ended": "1792915202", "outcome": "A"}
    events = [
        reader.parse(row | {"other": other, "id": "b-c-7.18"}).event for other in ("", "4", "a-5.")
    ]

    assert [event and event.call for event in events] == ["7", "4", "5"]


def test_rules_decide_the_outcome_before_its_column_and_what_is_left_is_otherwise() -> None:
    """What became of a call may be written in several columns."""
    text = CLOCKS.replace(
        "outcome: {column: outcome, values: {A: answered, H: abandoned, T: timeout}}",
        """outcome:
  rules:
    - when: {outcome: H, wait: "7"}
      means: callback
    - when: {member: anna}
      means: answered
  column: outcome
  values: {H: abandoned, T: timeout}
  otherwise: unknown""",
    )
    reader = parser(mapping_from_text(text, "m.yaml"))
    told = []
    for differs in (
        {"outcome": "H", "wait": "7"},
        {"outcome": "H"},
        {"outcome": "H", "member": ""},
        {"outcome": "?", "member": ""},
    ):
        event = reader.parse(ROW | differs).event
        assert event is not None
        told.append(event.reason)

    assert told == ["callback", None, "abandoned", "unknown"]


def test_a_row_that_no_rule_fits_is_a_bad_one() -> None:
    """Guessing an outcome would hide that the mapping does not know the exchange."""
    rules = "outcome: {rules: [{when: {outcome: A}, means: answered}]}"
    text = STAMPS.replace("FORMAT", "epoch").split("outcome:")[0] + rules
    row = {"id": "1", "entered": "1792915200", "answered": "1792915201", "ended": "1792915202"}
    with pytest.raises(RowError, match="no rule under `outcome` fits this row"):
        parser(mapping_from_text(text, "m.yaml")).parse(row | {"outcome": "B"})


def test_a_later_row_of_the_same_visit_has_the_higher_revision() -> None:
    """So the newest holds in whatever order the rows come, and a preferred outcome before all."""
    text = CLOCKS.replace("version: 1", "version: 1\nformats: {timestamp: rfc3339}")
    row = ROW | {"written": "2026-11-16T09:00:00.001Z", "start": "08:00:40"}

    def revision(more: str, **differs: str) -> int:
        event = (
            parser(mapping_from_text(f"{text}\nrevision: {more}", "m.yaml"))
            .parse(row | differs)
            .event
        )
        assert event is not None
        return event.revision

    plain, preferred = "{column: written}", "{column: written, prefer: answered}"
    assert revision(plain) == 1_794_819_600_001
    assert revision(plain, written="2026-11-16T09:00:00.002Z") == revision(plain) + 1
    assert revision(preferred, outcome="H", written="2190-01-01T00:00:00Z") < revision(preferred)
    assert revision(preferred) <= 2**53
    with pytest.raises(RowError, match="a time lies before 1971 or after 2199"):
        revision(plain, written="9999-01-01T00:00:00Z")


def test_a_moment_may_have_a_form_of_its_own() -> None:
    """Few tables write all their times alike."""
    text = STAMPS.replace("FORMAT", "epoch")
    text = text.replace("{timestamp: answered}", '{timestamp: answered, form: "%d.%m.%y %H.%M"}')
    row = {"id": "1", "entered": "1792915200", "answered": "25.10.26 09.02", "outcome": "A"}
    event = parser(mapping_from_text(text, "m.yaml")).parse(row | {"ended": "1792915402"}).event

    assert event is not None
    assert event.answered_at == datetime(2026, 10, 25, 8, 2, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        ("clock: '%T'", "formats.clock: is `%T`, which cannot be read; write e.g. `%H:%M:%S`"),
        ("clock: '%I:%M:%S'", "formats.clock: is `%I:%M:%S`, which does not say a whole clock"),
        ("clock: 'hh:mm'", "formats.clock: is `hh:mm`, which does not say a whole clock"),
        ("date: '%d.%m'", "formats.date: is `%d.%m`, which does not say a whole date"),
        ("timestamp: epoch_s", "formats.timestamp: is `epoch_s`, which does not say a whole time"),
        ("timestamp: '%s'", "formats.timestamp: is `%s`, which cannot be read"),
    ],
)
def test_a_format_that_nothing_can_be_read_by_is_refused(formats: str, message: str) -> None:
    """Otherwise every row of a million would be told to be wrong."""
    found = problems(CLOCKS.replace("version: 1", f"version: 1\nformats: {{{formats}}}"))

    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    "formats",
    ["clock: '%H.%M'", "clock: '%I:%M %p'", "date: '%y%m%d'", "timestamp: '%Y-%m-%dT%H:%M:%S%z'"],
)
def test_a_format_that_says_it_all_is_taken(formats: str) -> None:
    """Seconds may be missing; whether time zones are written is the exchange's business."""
    text = CLOCKS.replace("version: 1", f"version: 1\nformats: {{{formats}}}")

    assert mapping_from_text(text, "m.yaml").wanted()


def test_faults_that_do_not_follow_from_others_are_told_in_the_same_go() -> None:
    """Mending a mapping takes one round, and no fault is told that will be gone by then."""
    text = """version: 1
call: []
queue: {name: vaxel}
entered: {seconds: wait}
answered: {time: a}
outcome: {column: o, values: {A: answered, H: abandoned}}
delimiter: "||"
encoding: utf-88
formats: {clock: "%T"}
topic:
"""

    assert problems(text) == [
        "m.yaml:2: call: is empty; name the columns that together tell one call from another",
        (
            "m.yaml:4: entered: has no moment before it to count from; write its `timestamp` or "
            "`clock`"
        ),
        "m.yaml:5: answered.time: is no key of a mapping; did you mean `timestamp`?",
        "m.yaml:6: outcome: an outcome is `abandoned`; write when the caller left, as `left`",
        "m.yaml:7: delimiter: `||` is none; write one character or `tab`",
        (
            "m.yaml:8: encoding: `utf-88` is no encoding of text files that is known here; write "
            "e.g. `utf-8`, `cp1252` or `iso-8859-1`, and convert UTF-16 first"
        ),
        "m.yaml:9: formats.clock: is `%T`, which cannot be read; write e.g. `%H:%M:%S`",
        "m.yaml:10: topic: has no value; write one, or take the line out",
    ]


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
        "m.yaml:1: date: a `clock` needs a day; write the column of the day as `date`",
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
        ("[day, id]", "[]", "call: is empty; name the columns"),
        ("names: {V: vaxel}", "name: vaxel", "write either `column` (one queue a row) or `name`"),
        ("name: negative-menu", "name: Negative", "`Negative` is no check's name"),
        ("negative: menu}", "order: {seconds: menu}}", "`order` has no moment before it"),
        ("negative: menu}", "negative: menu, order: {clock: end}}", "a check looks at one thing"),
        (", negative: menu}", "}", "write what contradicts"),
        ('when: {outcome: H, wait: "0"}', "when: {}", "an empty `when` fits every row"),
        ("version: 1", "version: 1\ndelimiter: '||'", "write one character or `tab`"),
        ("version: 1", "version: 1\ncolumns: [a, b, a]", "names `a` twice"),
        ("version: 1", "version: 1\nformat: json\ncolumns: [a]", "take `columns` out"),
        ("version: 1", "version: 1\nformat: xml", "`xml` is not possible here; write `csv` or"),
        ("version: 1", "version: 1\nignore_case: often", "is not a switch; write `true` or"),
        ("version: 1", "version: 1\nderived: {a: {first_of: []}}", "`first_of` is empty"),
        ("version: 1", "version: 1\nderived: {a: {first_of: [b], until: ''}}", "need a sign"),
        ("{column: outcome, ", "{", "`column` and `values` go together"),
        ("{column: outcome, values: {A: answered, H: abandoned, T: timeout}}", "{}",
         "write `column` and `values`, or `rules`"),
        ("{seconds: wait}", "{seconds: wait, form: epoch}", "`seconds` are read as they are"),
        ("{clock: end, ", "{clock: end, form: '%T', ", "`form` is `%T`, which cannot be read"),
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

    assert mapping.wanted()


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
        (
            b"id;entered;answered;ended;outcome",
            'separated so; write `delimiter: ";"` in the mapping',
        ),
        (b'"id"\t"entered"\t"answered, or not"', "write `delimiter: tab` in the mapping"),
        (b"id entered answered ended outcome", "one column; is this a table of calls?"),
        (b'{"id": 1, "entered": 1}', "this is JSON; write `format: json` in the mapping"),
        (b"a,b,c", "no column of the mapping is named here; if this is a call, write the names"),
        (b"id,id,entered,answered,ended,outcome", "the column `id` is there twice"),
    ],
)
def test_a_header_that_does_not_fit_the_mapping_stops_at_once(header: bytes, message: str) -> None:
    """Without its columns not a single row could be read."""
    mapping = mapping_from_text(STAMPS.replace("FORMAT", "epoch"), "m.yaml")
    with pytest.raises(HeaderError) as caught:
        convert_calls(io.BytesIO(header), parser(mapping), on_event=print, on_bad_row=print)

    assert message in str(caught.value)


def test_a_first_line_that_is_a_call_is_not_quoted() -> None:
    """It holds the number of somebody."""
    mapping = mapping_from_text(STAMPS.replace("FORMAT", "epoch"), "m.yaml")
    with pytest.raises(HeaderError) as caught:
        convert_calls(
            io.BytesIO(b"0511-32000,1792915200,A"),
            parser(mapping),
            on_event=print,
            on_bad_row=print,
        )

    assert "32000" not in str(caught.value)


def converted(text: str, table: bytes) -> tuple[list[str], list[str], Summary]:
    """The ids of the calls in a file, what is told about it, and its summary."""
    bad: list[str] = []
    calls: list[str] = []
    summary = convert_calls(
        io.BytesIO(table),
        parser(mapping_from_text(text, "m.yaml")),
        on_event=lambda event: calls.append(event.call),
        on_bad_row=lambda line, reason: bad.append(f"{line}: {reason}"),
    )
    return calls, bad, summary


NAMELESS = STAMPS.replace("FORMAT", "epoch") + "columns: [id, entered, answered, ended, outcome]\n"
GOOD = b"1,1792915200,1792915230,1792915260,A"


def test_a_table_without_a_first_line_of_names_has_them_from_the_mapping() -> None:
    """Its first line is a call, and a line of another length is told as in any table."""
    calls, bad, summary = converted(NAMELESS, GOOD + b"\n1,2\n" + GOOD)

    assert (calls, summary.rows) == (["1", "1"], 3)
    assert bad == ["2: 2 columns, but the mapping names 5"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"", "the file is empty"),
        (b"1,2", "2 columns, but the mapping names 5 under `columns`; name those of this file"),
        (
            GOOD.replace(b",", b"\t"),
            "the columns are not separated so; write `delimiter: tab` in the",
        ),
    ],
)
def test_a_table_that_is_not_the_mappings_stops_at_its_first_line(
    table: bytes, message: str
) -> None:
    """Otherwise each of a million lines would be told to be wrong."""
    with pytest.raises(HeaderError) as caught:
        converted(NAMELESS, table)

    assert str(caught.value).startswith(message)


def test_columns_that_the_mapping_names_and_does_not_read_are_left_alone() -> None:
    """A column that is read and not named is a slip of the pen."""
    misspelt = problems(NAMELESS.replace("ended, outcome]", "ended, Outcome]"))
    calls, _, _ = converted(NAMELESS.replace("columns: [", "columns: [x, "), b"0," + GOOD)

    assert calls == ["1"]
    assert misspelt == [
        "m.yaml:10: columns: does not name `outcome`, which the mapping reads; mend one of them"
    ]


def test_a_table_without_names_may_begin_with_a_bad_line() -> None:
    """A quote in a caller's name must not stop a month of calls."""
    calls, bad, _ = converted(NAMELESS, b'"1"x,2,3,4,5\n' + GOOD)
    none, all_bad, _ = converted(NAMELESS, b'"1"x,2,3,4,5\n')

    assert (calls, none) == (["1"], [])
    assert bad == all_bad == ["1: cannot be split into columns: ',' expected after '\"'"]


def test_names_in_any_case_and_values_as_in_web_addresses_are_read_when_asked_for() -> None:
    """Both are off unless the mapping says so, since they are rare."""
    text = STAMPS.replace("FORMAT", "rfc3339")
    table = b"ID,Entered,ANSWERED,ended,outcome\n"
    table += b"a%40b,2026-10-25T08%3A00%3A00Z,2026-10-25T08:00:30Z,2026-10-25T08:01:00Z,A"
    calls, _, _ = converted(f"{text}ignore_case: true\npercent_encoded: true\n", table)

    assert calls == ["a@b"]


OBJECTS = """
version: 1
format: json
call: [id]
queue: {name: vaxel}
formats: {timestamp: epoch}
entered: {timestamp: times.entered}
answered: {timestamp: times.answered}
outcome: {column: outcome, values: {A: answered}}
"""


def an_object(number: object) -> dict[str, object]:
    """A call as an object with another one, a list, and signs that could be taken for braces."""
    return {
        "id": number,
        "times": {"entered": 1792915200, "answered": "1792915230.5"},
        "outcome": "A",
        "note": ['}{"\\', {"deep": [{}]}, None],
    }


@pytest.mark.parametrize("chunk", [1, 7, 65_536])
@pytest.mark.parametrize(
    "table",
    [
        "\n".join(json.dumps(an_object(n)) for n in range(9)),
        "".join(json.dumps(an_object(n)) for n in range(9)),
        json.dumps([an_object(n) for n in range(9)]),
        json.dumps([an_object(n) for n in range(9)], indent=2),
        "\r\n\r\n".join(json.dumps(an_object(n), indent="\t") for n in range(9)),
    ],
    ids=["a line each", "nothing between", "a list", "a printed list", "printed one by one"],
)
def test_objects_are_found_however_they_are_put_together(
    table: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands between braces is a record, wherever the file is cut into pieces."""
    monkeypatch.setattr(calls_csv_json, "CHUNK", chunk)
    calls, bad, summary = converted(OBJECTS, b"\xef\xbb\xbf" + table.encode())

    assert calls == [str(n) for n in range(9)]
    assert (bad, summary.absent) == ([], {})


@pytest.mark.parametrize("chunk", [1, 7, 65_536])
def test_an_object_that_cannot_be_read_costs_itself_only(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a line, a lost quote or something else altogether is told with its line."""
    monkeypatch.setattr(calls_csv_json, "CHUNK", chunk)
    monkeypatch.setattr(calls_csv_json, "LONGEST_OBJECT", 1000)
    good = json.dumps(an_object(1)).encode()
    table = b"\n".join(
        [
            good,
            good[:40],
            good,
            b'{"id": "2}',
            good,
            b"",
            b"hello",
            good + b"}",
            b'{"id": 3,}',
            b'{"id": "' + b"4" * 3000 + b'", "times": {"a": {}}}',
            b'{"times": [' + b'{"a": 5}, ' * 300 + b"]}",
            good,
            b'{"id": {',
        ]
    )
    calls, bad, _ = converted(OBJECTS, table)

    assert calls == ["1"] * 5
    assert bad == [
        "2: breaks off; a closing brace is missing",
        "4: is not JSON; a brace, a quote or a comma is missing",
        "7: is no JSON object; does the mapping's `format` fit?",
        "8: is no JSON object; does the mapping's `format` fit?",
        "9: is not JSON; a brace, a quote or a comma is missing",
        "10: longer than 1,000 bytes; is this a record of a call?",
        "11: longer than 1,000 bytes; is this a record of a call?",
        "13: breaks off; a closing brace is missing",
    ]


def test_a_table_that_is_no_json_is_told_in_one_sentence() -> None:
    """A wrong `format` is one fault, not one a line."""
    calls, bad, _ = converted(OBJECTS, b"id;entered\n" * 50_000)

    assert calls == []
    assert bad == ["1: is no JSON object; does the mapping's `format` fit?"]


def test_a_name_that_no_object_has_is_told_with_what_may_be_meant() -> None:
    """An object may leave out what it does not know, so only a whole file can tell a slip."""
    text = OBJECTS.replace("times.answered", "times.answred")
    calls, bad, summary = converted(text, json.dumps(an_object(1)).encode())

    assert calls == []
    assert bad == ["1: `` in `times.answred` is no number; the mapping says `epoch`"]
    assert summary.absent == {"times.answred": "did you mean `times.answered`?"}


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
