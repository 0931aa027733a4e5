"""A queue_log however it is cut, interrupted or damaged: the same events, and no exception."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.codec import decode_event, encode_event
from streams.errors import StateError
from streams.parsers.queue_log import QueueLogParser
from streams.pseudonyms import create_pseudonymiser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.events import CallEvent

START = 1_792_400_000
CASES = 300
PSEUDONYM = create_pseudonymiser(b"kept out of the repository")

numbers = st.one_of(st.integers(0, 40), st.sampled_from([-1, 10**9, 10**30])).map(str)
datas = st.lists(st.one_of(numbers, st.sampled_from(["", "APP", "Queue", "2", "x"])), max_size=7)
callers = st.builds(
    "{}|{}|{}|{}|{}".format,
    st.sampled_from(["c1", "c2", "c3", "c3", "NONE", ""]),
    st.sampled_from(["1501", "1502", "1509", "1509", "NONE"]),
    st.sampled_from(["NONE", "PJSIP/7009", "Bo"]),
    st.sampled_from(
        [
            "ENTERQUEUE",
            "ENTERQUEUE",
            "ENTERQUEUE",
            "CONNECT",
            "CONNECT",
            "ABANDON",
            "EXITWITHTIMEOUT",
            "EXITWITHKEY",
            "EXITEMPTY",
            "WITHDRAW",
            "SYSCOMPAT",
            "AGENTDUMP",
            "RINGNOANSWER",
            "RINGCANCELED",
            "COMPLETEAGENT",
            "COMPLETECALLER",
            "TRANSFER",
            "BLINDTRANSFER",
            "ATTENDEDTRANSFER",
            "PAUSE",
            "DID",
        ]
    ),
    datas.map("|".join),
)
# Within a second or two much happens to few callers, and now and then a clock jumps.
steps = st.sampled_from([0, 0, 0, 1, 1, 5, 12, 60, -3, 90_000])
rows = st.one_of(callers, callers, callers, st.just("NONE|NONE|NONE|QUEUESTART|"))


@st.composite
def logs(draw: st.DrawFn) -> list[bytes]:
    """Lines that Asterisk might write, in order of writing, some of them damaged."""
    now, lines = START, []
    for step, row in draw(st.lists(st.tuples(steps, rows), max_size=40)):
        now += step
        lines.append(f"{now}|{row}".encode())
    return lines


damaged = st.builds(
    lambda line, cut, junk: line[:cut] + junk, callers.map(str.encode), st.integers(0, 60),
    st.binary(max_size=8),
)  # fmt: skip
near_lines = st.one_of(
    damaged,
    damaged.map(lambda rest: b"%d|" % START + rest),
    st.binary(max_size=60),
    st.sampled_from([b"", b"\r\n", b"|" * 5, b"|" * 5_000, b"x" * 20_000]),
)


def new_parser() -> QueueLogParser:
    """A parser of two queues under one name, and one more."""
    return QueueLogParser(
        organisation="provkommun",
        queues={"1501": "vaxel", "1502": "vaxel"},
        pseudonymise=PSEUDONYM,
        callback_keys=frozenset({"2"}),
    )


def encoded(events: Sequence[CallEvent]) -> list[bytes]:
    """Events as they travel."""
    return [encode_event(event) for event in events]


def read_through(lines: list[bytes]) -> tuple[list[bytes], QueueLogParser]:
    """All events of a log that is read in one go."""
    parser = new_parser()
    return encoded(parser.feed(lines)), parser


@given(logs(), st.lists(st.integers(0, 40), max_size=6))
@settings(max_examples=CASES)
def test_a_log_in_pieces_tells_the_same_events(lines: list[bytes], cuts: list[int]) -> None:
    """However many lines come at a time, the events are those of the whole, in the same order."""
    whole, straight = read_through(lines)
    parser = new_parser()
    pieces: list[bytes] = []
    edges = [0, *sorted(cuts), len(lines)]
    for start, end in pairwise(edges):
        pieces += encoded(parser.feed(lines[start:end]))

    assert pieces == whole
    assert parser.counts == straight.counts
    assert parser.through == straight.through


@given(logs(), st.sets(st.integers(0, 40)))
@settings(max_examples=CASES)
def test_a_restart_at_any_line_changes_nothing(lines: list[bytes], stops: set[int]) -> None:
    """A new parser with the snapshot of the old one goes on as if nothing had happened."""
    whole, straight = read_through(lines)
    parser = new_parser()
    told: list[bytes] = []
    left_out: Counter[str] = Counter()
    for number, line in enumerate(lines):
        told += encoded(parser.feed([line]))
        if number in stops:
            left_out += parser.counts.left_out
            stored, parser = parser.snapshot(), new_parser()
            parser.restore(stored)

    assert told == whole
    assert left_out + parser.counts.left_out == straight.counts.left_out
    assert parser.snapshot() == straight.snapshot()


@given(logs())
@settings(max_examples=CASES)
def test_every_line_is_an_event_or_has_a_reason(lines: list[bytes]) -> None:
    """No line disappears, none is counted twice, and workers can read what is told."""
    parser = new_parser()
    for line in lines:
        before = parser.counts.left_out.total()
        events = parser.feed([line])

        assert bool(events) != (parser.counts.left_out.total() > before)
        assert [decode_event(encode_event(event)) for event in events] == events
    assert parser.counts.lines == len(lines)


@given(logs())
@settings(max_examples=CASES)
def test_no_two_events_say_different_things_of_the_same_fact(lines: list[bytes]) -> None:
    """What makes two facts the same never meets two contents, so no worker has to choose."""
    contents: dict[tuple[object, ...], bytes] = {}
    for event in new_parser().feed(lines):
        fact = (type(event), event.call, event.queue, getattr(event, "at", None))
        content = encode_event(event)

        assert contents.setdefault(fact, content) == content


@given(st.lists(st.one_of(near_lines, callers.map(str.encode)), max_size=8))
@settings(max_examples=3 * CASES)
def test_no_bytes_raise(lines: list[bytes]) -> None:
    """Whatever stands in the file, each line is an event or counted, and the next one is read."""
    parser = new_parser()
    events = parser.feed(lines)
    (entered,) = parser.feed([b"%d|z|1509|NONE|ENTERQUEUE|||1" % (START + 100_000)])

    assert parser.counts.lines == len(lines) + 1
    assert parser.counts.events == len(events) + 1
    assert entered.call == "z"


@given(st.binary(max_size=200), st.binary(max_size=3), st.integers(0, 200))
@settings(max_examples=2 * CASES)
def test_a_damaged_snapshot_is_refused(junk: bytes, flipped: bytes, place: int) -> None:
    """What is not a snapshot is said to be none, and what was in flight before stays."""
    parser = new_parser()
    parser.feed([b"%d|z|1509|NONE|ENTERQUEUE|||1" % START])
    whole = parser.snapshot()
    place %= len(whole)
    for stored in (junk, b"\x01" + junk, whole[:place], whole[:place] + flipped + whole[place:]):
        if stored == whole:
            continue
        other = new_parser()
        other.feed([b"%d|y|1509|NONE|ENTERQUEUE|||1" % START])
        before = other.snapshot()
        try:
            other.restore(stored)
        except StateError:
            assert other.snapshot() == before


def test_a_snapshot_of_another_version_is_refused() -> None:
    """A program that was set back says so instead of guessing."""
    parser = new_parser()

    with pytest.raises(StateError, match="another version"):
        parser.restore(b"\x02" + parser.snapshot()[1:])
