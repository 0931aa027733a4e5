"""A queue_log, line by line: what each event becomes, and what comes of incomplete stories.

Lines are written without their time stamps: `12 1501 NONE ENTERQUEUE||0700000001|1` is what happens
to the call `a` 12 seconds after the start; `12 b/1501 ...` happens to the call `b`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from streams.codec import decode_event, encode_event
from streams.events import CallAnswered, CallEnded, CallEntered, CallLeft, Heartbeat
from streams.instants import DAY, HOUR, MILLISECOND, SECOND, from_datetime, to_datetime
from streams.parsers.queue_log import UNREADABLE, Contradiction, LeftOut, QueueLogParser
from streams.parsers.queue_log.counts import EXPLANATIONS, MAX_UNKNOWN, MEANINGS, OTHER_NAMES
from streams.parsers.queue_log.in_flight import MAX_CALLERS
from streams.promises import parse_within
from streams.pseudonyms import create_pseudonymiser
from streams.reports import Report
from tests.strategies import ORGANISATION

if TYPE_CHECKING:
    from streams.events import CallEvent

START = 1_792_400_000
PSEUDONYM = create_pseudonymiser(b"kept out of the repository")
CONTACT_CENTRE = msgspec.structs.replace(
    ORGANISATION,
    max_wait=2 * HOUR,
    promises=(
        msgspec.structs.replace(
            ORGANISATION.promises[0], name="in-two-minutes", within=parse_within("2 min")
        ),
    ),
)

ENTER = "0 1501 NONE ENTERQUEUE||0700000001|1"
ANSWER = "12 1501 PJSIP/7009 CONNECT|12|x.1|4"


def raw(story: str) -> list[bytes]:
    """The lines of a log."""
    lines = []
    for told in story.strip().splitlines():
        second, queue, member, event = told.strip().split(" ", 3)
        call, _, queue = queue.rpartition("/")
        lines.append(f"{START + int(second)}|{call or 'a'}|{queue}|{member}|{event}\n".encode())
    return lines


def new_parser(*, with_people: bool = False) -> QueueLogParser:
    """A parser that knows three queues by name; 2 asks to be called back."""
    return QueueLogParser(
        organisation="provkommun",
        queues={"1501": "vaxel", "1509": "bygg"},
        pseudonymise=PSEUDONYM if with_people else None,
        callback_keys=frozenset({"2"}),
    )


def told(events: list[CallEvent]) -> list[str]:
    """Events in few words, with seconds (and microseconds, where there are any) since the start."""
    words = []
    for event in events:
        queue = getattr(event, "queue", None)
        passed = from_datetime(event.at) - START * SECOND  # type: ignore[union-attr]
        clock = f"{passed // SECOND}" + (f"+{passed % SECOND}us" if passed % SECOND else "")
        what = {CallEntered: "enters", CallAnswered: "answered", CallEnded: "ends"}.get(
            type(event), f"leaves as {getattr(event, 'reason', '')}"
        )
        words.append(f"{clock} {event.call} {queue} {what}")
    return words


def rows(story: str, *, until: int | None = None) -> dict[str | None, dict[str, Any]]:
    """The KPIs of every queue, and of the total under `None`."""
    report = Report({"provkommun": CONTACT_CENTRE})
    for event in new_parser().feed(raw(story)):
        report.add(decode_event(encode_event(event)))
    if until is not None:
        through = to_datetime((START + until) * SECOND)
        report.add(Heartbeat(organisation="provkommun", source="exchange", through=through))
    return {row["queue"]: row for row in report.rows("all")}  # type: ignore[misc]


def kpis(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """Some KPIs of a row; exits only where there are any."""
    exits = {reason: number for reason, number in row["exits"].items() if number}
    return {name: exits if name == "exits" else row[name] for name in names}


# -- every event of the format ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("60 1501 NONE ABANDON|2|3|60", "60 a vaxel leaves as abandoned"),
        ("60 1501 PJSIP/7009 ABANDON|2|3|60", "60 a vaxel leaves as abandoned"),
        ("60 1501 NONE EXITWITHTIMEOUT|2|3|60", "60 a vaxel leaves as timeout"),
        ("60 1501 NONE EXITWITHKEY|1|2|3|60", "60 a vaxel leaves as key"),
        ("60 1501 NONE EXITWITHKEY|2|2|3|60", "60 a vaxel leaves as callback"),
        ("60 1501 NONE EXITEMPTY|2|3|60", "60 a vaxel leaves as empty"),
        ("60 1501 NONE WITHDRAW|2|3|60|closing", "60 a vaxel leaves as withdrawn"),
        ("60 1501 PJSIP/7009 SYSCOMPAT|", "60 a vaxel leaves as unknown"),
        ("60 1501 PJSIP/7009 CONNECT|60|x.1|15", "60 a vaxel answered"),
        ("60 NONE NONE QUEUESTART|", "60 a vaxel leaves as unknown"),
    ],
)
def test_a_wait_ends_in_one_of_these_ways(line: str, event: str) -> None:
    """Each line that ends a wait gives one event, with nothing to complain of."""
    parser = new_parser()
    events = parser.feed(raw(f"{ENTER}\n{line}"))

    assert told(events) == ["0 a vaxel enters", event]
    assert parser.waiting == 0
    assert not parser.counts.left_out
    assert not parser.counts.contradictions


@pytest.mark.parametrize(
    "line",
    [
        "72 1501 PJSIP/7009 COMPLETEAGENT|12|60|1",
        "72 1501 PJSIP/7009 COMPLETECALLER|12|60|1",
        "72 1501 PJSIP/7009 TRANSFER|7001|internal|12|60|1",
        "72 1501 PJSIP/7009 BLINDTRANSFER|7001|internal|12|60|1",
        "72 1501 PJSIP/7009 ATTENDEDTRANSFER|BRIDGE|5f1c0c2e|12|60|1",
        "72 1501 PJSIP/7009 ATTENDEDTRANSFER|APP|Queue|12|60|1",
        "72 1501 PJSIP/7009 ATTENDEDTRANSFER|LINK|Local/1@x-1|Local/1@x-2|12|60|1",
    ],
)
def test_a_conversation_ends_in_one_of_these_ways(line: str) -> None:
    """Durations are found behind two fields or three; what ends a conversation ends its part."""
    parser = new_parser()
    events = parser.feed(raw(f"{ENTER}\n{ANSWER}\n{line}"))

    assert told(events)[2:] == ["72 a vaxel ends"]
    assert parser.talking == 0
    assert not parser.counts.contradictions


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("20 1501 PJSIP/7009 RINGNOANSWER|15000", "ringnoanswer"),
        ("20 1501 PJSIP/7009 RINGCANCELED|1837", "ringcanceled"),
        ("20 1501 PJSIP/7009 AGENTDUMP|", "agentdump"),
        ("20 NONE/NONE Agent/7 AGENTLOGIN|PJSIP/7009", "agentlogin"),
        ("20 NONE/NONE Agent/7 AGENTLOGOFF|PJSIP/7009|60", "agentlogoff"),
        ("20 NONE/NONE Agent/7 AGENTCALLBACKLOGIN|7@x", "agentcallbacklogin"),
        ("20 NONE/NONE Agent/7 AGENTCALLBACKLOGOFF|7@x|60|Autologoff", "agentcallbacklogoff"),
        ("20 REALTIME/1501 PJSIP/7009 ADDMEMBER|PAUSED", "addmember"),
        ("20 MANAGER/1501 PJSIP/7009 REMOVEMEMBER|", "removemember"),
        ("20 NONE/NONE PJSIP/7009 PAUSEALL|lunch", "pauseall"),
        ("20 NONE/NONE PJSIP/7009 UNPAUSEALL|", "unpauseall"),
        ("20 NONE/1501 PJSIP/7009 PAUSE|Auto-Pause", "pause"),
        ("20 NONE/1501 PJSIP/7009 UNPAUSE|Auto-Unpause", "unpause"),
        ("20 NONE/1501 PJSIP/7009 PENALTY|3", "penalty"),
        ("20 NONE/1501 PJSIP/7009 RINGINUSE|0", "ringinuse"),
        ("20 o/1501 PJSIP/7009 OUTCALL|ANSWERED|60|x", "outcall"),
        ("20 NONE/NONE NONE CONFIGRELOAD|", "configreload"),
    ],
)
def test_what_tells_of_no_caller_is_counted_by_kind(line: str, reason: str) -> None:
    """The caller goes on waiting, whatever members and configurations do meanwhile."""
    parser = new_parser()
    events = parser.feed(raw(f"{ENTER}\n{line}\n30 1501 PJSIP/7009 CONNECT|30|x.1|4"))

    assert told(events) == ["0 a vaxel enters", "30 a vaxel answered"]
    assert parser.counts.left_out == {reason: 1}
    assert not parser.counts.contradictions


def test_a_caller_is_answered_after_a_member_hung_up_during_the_announcement() -> None:
    """AGENTDUMP ends the member's call, not the wait: Asterisk rings the next member."""
    total = rows(f"{ENTER}\n9 1501 A AGENTDUMP|\n40 1501 B CONNECT|40|x.1|4")[None]

    assert kpis(total, "offered", "answered", "exits", "wait_mean") == {
        "offered": 1, "answered": 1, "exits": {}, "wait_mean": 40,
    }  # fmt: skip


def test_a_call_dropped_by_the_system_is_not_one_that_hung_up() -> None:
    """Asterisk writes ABANDON after SYSCOMPAT; the first says why, so the second is left out."""
    parser = new_parser()
    events = parser.feed(raw(f"{ENTER}\n9 1501 A SYSCOMPAT|\n9 1501 NONE ABANDON|1|1|9"))

    assert told(events)[1:] == ["9 a vaxel leaves as unknown"]
    assert parser.counts.left_out == {LeftOut.ALREADY_GONE: 1}


def test_ringing_is_told_in_milliseconds_and_the_ring_before_an_answer_in_seconds() -> None:
    """15000 and 15 are the same quarter of a minute, and neither is longer than the wait."""
    parser = new_parser()
    parser.feed(raw(f"{ENTER}\n15 1501 A RINGNOANSWER|15000\n30 1501 A CONNECT|30|x.1|15"))
    fine = dict(parser.counts.contradictions)
    parser.feed(raw("60 b/1501 NONE ENTERQUEUE|||1\n70 b/1501 A RINGNOANSWER|16000000"))
    parser.feed(raw("75 b/1501 A CONNECT|15|x.1|15000"))

    assert fine == {}
    assert parser.counts.contradictions == {Contradiction.RUNG_LONGER_THAN_WAITED: 2}
    assert 16_000_000 * MILLISECOND > 15 * SECOND


def test_callers_and_members_leave_as_pseudonyms() -> None:
    """The number, the name beside it and the member's name are in no event."""
    parser = new_parser(with_people=True)
    entered, answered = parser.feed(
        raw(f"{ENTER}|Anna Andersson\n12 1501 Bo_Berg CONNECT|12|x.1|4")
    )

    assert entered.caller == PSEUDONYM("0700000001")  # type: ignore[union-attr]
    assert answered.member == PSEUDONYM("Bo_Berg")  # type: ignore[union-attr]
    for event in (entered, answered):
        text = encode_event(event)
        assert all(who not in text for who in (b"0700000001", b"Anna", b"Berg"))
    assert b"0700000001" not in parser.snapshot()


@pytest.mark.parametrize("number", ["", "anonymous", "Unknown", " ", "<unknown>"])
def test_callers_who_withhold_their_number_are_not_one_caller(number: str) -> None:
    """Whoever is anonymous has no pseudonym, else all of them would be the same person."""
    parser = new_parser(with_people=True)
    (event,) = parser.feed(raw(f"0 1501 NONE ENTERQUEUE||{number}|1"))

    assert event.caller is None  # type: ignore[union-attr]


def test_without_a_key_nobody_is_read() -> None:
    """Events without people, rather than people without a key."""
    entered, answered = new_parser().feed(raw(f"{ENTER}\n{ANSWER}"))

    assert entered.caller is None  # type: ignore[union-attr]
    assert answered.member is None  # type: ignore[union-attr]


# -- stories of several lines, up to their KPIs ------------------------------------------------


def test_one_citizen_in_two_queues_has_waited_since_the_first() -> None:
    """A time-out into the next queue under the same id: two visits, one contact, one wait."""
    found = rows(
        """
        0 1501 NONE ENTERQUEUE||0700000001|1
        90 1501 NONE EXITWITHTIMEOUT|1|1|90
        90 1509 NONE ENTERQUEUE||0700000001|1
        135 1509 PJSIP/7009 CONNECT|45|x.1|4
        200 1509 PJSIP/7009 COMPLETECALLER|45|65|1
        """
    )
    names = ("offered", "answered", "exits", "missed", "wait_mean")

    assert kpis(found["vaxel"], "offered", "answered", "exits", "missed") == {
        "offered": 1, "answered": 0, "exits": {"timeout": 1}, "missed": 0,
    }  # fmt: skip
    assert kpis(found["bygg"], *names) == {
        "offered": 1, "answered": 1, "exits": {}, "missed": 0, "wait_mean": 45,
    }  # fmt: skip
    assert kpis(found[None], *names) == {
        "offered": 1, "answered": 1, "exits": {}, "missed": 1, "wait_mean": 135,
    }  # fmt: skip


def test_the_same_queue_twice_within_a_second_is_two_visits() -> None:
    """A dial plan that sends callers back at once leaves nobody waiting for ever."""
    story = """
        0 1501 NONE ENTERQUEUE||0700000001|1
        300 1501 NONE EXITWITHTIMEOUT|1|1|300
        300 1501 NONE ENTERQUEUE||0700000001|1
        300 1501 NONE EXITEMPTY|1|1|0
        300 1501 NONE ENTERQUEUE||0700000001|1
        310 1501 PJSIP/7009 CONNECT|10|x.1|4
        370 1501 PJSIP/7009 COMPLETEAGENT|10|60|1
    """
    found = rows(story)["vaxel"]

    assert told(new_parser().feed(raw(story))) == [
        "0 a vaxel enters",
        "300 a vaxel leaves as timeout",
        "300+1us a vaxel enters",
        "300+1us a vaxel leaves as empty",
        "300+2us a vaxel enters",
        "310 a vaxel answered",
        "370 a vaxel ends",
    ]
    assert kpis(found, "offered", "answered", "exits", "waiting", "handled") == {
        "offered": 3, "answered": 1, "exits": {"timeout": 1, "empty": 1}, "waiting": 0,
        "handled": 1,
    }  # fmt: skip


ATTENDED_TRANSFER = """
    0 1501 NONE ENTERQUEUE||0700000001|1
    12 1501 PJSIP/7009 CONNECT|12|m.1|10
    127 consult/1509 NONE ENTERQUEUE||7009|1
    132 consult/1501 PJSIP/7009 ATTENDEDTRANSFER|APP|Queue|12|120|1
    147 1509 PJSIP/7010 CONNECT|20|m.2|12
    247 1509 PJSIP/7010 COMPLETEAGENT|20|100|1
"""
"""As an Asterisk 20 wrote it: the transfer under the id of the member's consultation call, what
follows under the caller's, who never entered the second queue."""


def test_an_attended_transfer_counts_the_citizen_once() -> None:
    """The answer is told under an id that never entered: nobody counts twice or below zero."""
    found = rows(ATTENDED_TRANSFER)
    names = ("offered", "answered", "missed", "waiting", "handled", "handle_time_mean")

    assert kpis(found["vaxel"], *names, "exits") == {
        "offered": 1, "answered": 1, "missed": 0, "waiting": 0, "handled": 1,
        "handle_time_mean": 115, "exits": {},
    }  # fmt: skip
    assert kpis(found["bygg"], *names, "exits", "wait_mean") == {
        "offered": 2, "answered": 1, "missed": 0, "waiting": 0, "handled": 1,
        "handle_time_mean": 100, "exits": {"transferred": 1}, "wait_mean": 20,
    }  # fmt: skip
    assert kpis(found[None], *names, "exits", "wait_mean") == {
        "offered": 2, "answered": 1, "missed": 0, "waiting": 0, "handled": 1,
        "handle_time_mean": 215, "exits": {"transferred": 1}, "wait_mean": 12,
    }  # fmt: skip


@pytest.mark.parametrize("second", [0, 12, 127, 130, 132, 140, 147, 200, 247, 300])
def test_during_an_attended_transfer_the_waiting_are_as_many_as_there_are(second: int) -> None:
    """At no instant does anybody wait twice, or a ghost, whatever part of the log is known."""
    known = [line for line in ATTENDED_TRANSFER.split("\n") if line.strip()]
    story = "\n".join(line for line in known if int(line.split()[0]) <= second)
    found = rows(story, until=second)
    waiting = {name: row["waiting"] for name, row in found.items() if row["waiting"]}

    first, consulting = second < 12, 127 <= second < 147
    assert waiting == (
        {None: 1, "vaxel": 1} if first else {None: 1, "bygg": 1} if consulting else {}
    )


def test_a_caller_transferred_into_a_queue_may_hang_up_there() -> None:
    """The second queue lost a caller, and the consultation call leaves nobody behind."""
    story = [*ATTENDED_TRANSFER.splitlines()[:5], "140 1509 NONE ABANDON|1|1|13"]
    bygg = rows("\n".join(story))["bygg"]

    assert kpis(bygg, "abandoned", "waiting", "exits") == {
        "abandoned": 1, "waiting": 0, "exits": {"transferred": 1},
    }  # fmt: skip


def test_an_answer_without_an_entry_is_counted_with_the_wait_it_tells() -> None:
    """Where a line is missing, the hold time of the next one says when the caller came."""
    parser = new_parser()
    events = parser.feed(raw(ANSWER))

    assert told(events) == ["0 a vaxel enters", "12 a vaxel answered"]
    assert parser.counts.contradictions == {Contradiction.ANSWERED_WITHOUT_ENTERING: 1}


def test_an_end_without_an_answer_tells_the_answer_only_where_the_entry_is_known() -> None:
    """An answer that is not in the log is told by the durations; a whole call is not made up."""
    parser = new_parser()
    known = told(parser.feed(raw(f"{ENTER}\n72 1501 A COMPLETEAGENT|12|60|1")))
    unknown = told(parser.feed(raw("90 b/1501 A COMPLETEAGENT|12|60|1")))

    assert known == ["0 a vaxel enters", "12 a vaxel answered", "72 a vaxel ends"]
    assert unknown == ["90 b vaxel ends"]
    assert parser.counts.contradictions == {Contradiction.ENDED_WITHOUT_ANSWER: 2}


def test_when_asterisk_starts_anew_nobody_stays_on_the_board() -> None:
    """Those who waited left as `unknown`, conversations are over, and the gauge is zero."""
    story = """
        0 1501 NONE ENTERQUEUE|||1
        10 b/1501 NONE ENTERQUEUE|||2
        20 1501 PJSIP/7009 CONNECT|20|x.1|4
        60 NONE/NONE NONE QUEUESTART|
    """
    parser = new_parser()
    parser.feed(raw(story))
    vaxel = rows(story)["vaxel"]

    assert parser.counts.closed == 2
    assert (parser.waiting, parser.talking) == (0, 0)
    assert kpis(vaxel, "offered", "answered", "exits", "waiting", "handled") == {
        "offered": 2, "answered": 1, "exits": {"unknown": 1}, "waiting": 0, "handled": 1,
    }  # fmt: skip


def test_a_night_without_asterisk_is_no_conversation() -> None:
    """Conversations end at the last line before the start; whoever waited is gone by the start."""
    parser = new_parser()
    events = parser.feed(
        raw(
            f"""
            {ENTER}
            {ANSWER}
            40 b/1501 NONE ENTERQUEUE|||1
            50000 NONE/NONE NONE QUEUESTART|
            """
        )
    )

    assert told(events)[3:] == ["50000 b vaxel leaves as unknown", "40 a vaxel ends"]


def test_a_start_with_nobody_in_flight_is_left_out() -> None:
    """A start at night closes nothing, and is counted all the same."""
    parser = new_parser()

    assert parser.feed(raw("0 NONE/NONE NONE QUEUESTART|")) == []
    assert parser.counts.left_out == {LeftOut.NOBODY_IN_FLIGHT: 1}


def test_whoever_enters_a_queue_twice_waits_in_it_once() -> None:
    """The end of the first stay is missing: it left as `unknown` just before the second."""
    story = f"{ENTER}\n60 1501 NONE ENTERQUEUE|||1\n70 1501 A CONNECT|10|x.1|4"
    vaxel = rows(story)["vaxel"]

    assert told(new_parser().feed(raw(story)))[1:3] == [
        "59+999999us a vaxel leaves as unknown",
        "60 a vaxel enters",
    ]
    assert kpis(vaxel, "offered", "answered", "exits", "waiting") == {
        "offered": 2, "answered": 1, "exits": {"unknown": 1}, "waiting": 0,
    }  # fmt: skip


def test_queues_that_become_one_queue_keep_their_visits_apart() -> None:
    """Two numbers of one queue, one after the other within a second, are two stays in it."""
    parser = QueueLogParser(
        organisation="provkommun", queues={"1501": "vaxel", "1502": "vaxel"}, pseudonymise=None
    )
    events = parser.feed(
        raw(f"{ENTER}\n9 1501 NONE EXITWITHTIMEOUT|1|1|9\n9 1502 NONE ENTERQUEUE|||1")
    )

    assert told(events)[1:] == ["9 a vaxel leaves as timeout", "9+1us a vaxel enters"]
    assert parser.queues == {"vaxel"}


# -- what cannot be read, and what cannot be true ----------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\n", LeftOut.BLANK),
        (b"  \r\n", LeftOut.BLANK),
        (b"1792400000|a|1501|NONE", LeftOut.TRUNCATED),
        (b"\xff\xfe\x00", LeftOut.TRUNCATED),
        (b"yesterday|a|1501|NONE|ABANDON|1|1|9", LeftOut.NO_TIME),
        (b"-5|a|1501|NONE|ABANDON|1|1|9", LeftOut.NO_TIME),
        (b"1_792_400_000|a|1501|NONE|ABANDON|1|1|9", LeftOut.NO_TIME),
        (b"9" * 5_000 + b"|a|1501|NONE|ABANDON|1|1|9", LeftOut.NO_TIME),
        (b"1792400000000|a|1501|NONE|ABANDON|1|1|9", LeftOut.IMPLAUSIBLE_TIME),
        (b"86400|a|1501|NONE|ABANDON|1|1|9", LeftOut.IMPLAUSIBLE_TIME),
        (b"1792400000||1501|NONE|ABANDON|1|1|9", LeftOut.NO_CALL),
        (b"1792400000|NONE|1501|NONE|ABANDON|1|1|9", LeftOut.NO_CALL),
        (b"1792400000|a||NONE|ABANDON|1|1|9", LeftOut.NO_QUEUE),
        (b"1792400000|a|NONE|NONE|ABANDON|1|1|9", LeftOut.NO_QUEUE),
        (b"1792400000|" + b"a" * 257 + b"|1501|NONE|ABANDON|1|1|9", LeftOut.NAME_TOO_LONG),
        (b"1792400000|a|" + b"\xff" * 100 + b"|NONE|ABANDON|1|1|9", LeftOut.NAME_TOO_LONG),
        (b"1792400000|a|1501|NONE|ABANDON|" + b"1" * 20_000, LeftOut.TOO_LONG),
        (b"1792400000|a|1501|NONE|DID|0511320000", LeftOut.UNKNOWN_EVENT),
    ],
)
def test_a_line_that_is_no_event_has_a_reason(line: bytes, reason: LeftOut) -> None:
    """Nothing is dropped silently, and the first line that cannot be read can be found."""
    parser = new_parser()
    before = raw("0 NONE/NONE NONE CONFIGRELOAD|")

    assert parser.feed([*before, line]) == []
    assert parser.counts.left_out == {"configreload": 1, reason: 1}
    assert parser.counts.lines == 2
    assert parser.counts.examples == ({reason: 2} if reason in UNREADABLE else {})


def test_every_reason_and_every_contradiction_is_explained() -> None:
    """Whoever reads a summary is told what its words mean."""
    assert set(EXPLANATIONS) == set(LeftOut)
    assert set(MEANINGS) == set(Contradiction)


def test_unknown_events_are_counted_by_name_but_never_by_value() -> None:
    """Names in capitals are shown, a bounded number of them; numbers and texts are not."""
    parser = new_parser()
    for name in ("DID", "DID", "0511320000", "anna@example.org", "Anna Andersson", ""):
        parser.feed([f"{START}|a|1501|NONE|{name}|x\n".encode()])
    few = dict(parser.counts.unknown)
    for number in range(MAX_UNKNOWN + 50):
        name = "IVR" + "".join(chr(65 + int(digit)) for digit in str(number))
        parser.feed([f"{START}|a|1501|NONE|{name}|x\n".encode()])

    assert few == {"DID": 2, OTHER_NAMES: 4}
    assert len(parser.counts.unknown) <= MAX_UNKNOWN + 1
    assert parser.counts.unknown.total() == parser.counts.left_out[LeftOut.UNKNOWN_EVENT]


@pytest.mark.parametrize(
    "hold", ["", "-12", "12.5", "999999999999", "x"], ids=lambda hold: hold or "nothing"
)
def test_an_absurd_duration_is_counted_and_believed_by_nobody(hold: str) -> None:
    """The lines themselves tell how long it was."""
    parser = new_parser()
    events = parser.feed(raw(f"{ENTER}\n12 1501 A CONNECT|{hold}|x.1|4"))

    assert told(events)[1:] == ["12 a vaxel answered"]
    assert parser.counts.contradictions == {Contradiction.NO_DURATION: 1}


def test_durations_that_the_lines_belie_are_counted() -> None:
    """A clock that was set in between shows, and what the lines say holds."""
    parser = new_parser()
    events = parser.feed(raw(f"{ENTER}\n12 1501 A CONNECT|90|x.1|4\n72 1501 A COMPLETEAGENT|9|9|1"))

    assert told(events)[1:] == ["12 a vaxel answered", "72 a vaxel ends"]
    assert parser.counts.contradictions == {
        Contradiction.HOLD_TIME_DIFFERS: 1,
        Contradiction.TALK_TIME_DIFFERS: 1,
    }


def test_a_clock_that_is_set_back_ends_no_wait_before_it_began() -> None:
    """The answer comes at the entry at the earliest, or it would belong to nobody."""
    parser = new_parser()
    events = parser.feed(raw(f"3600 1501 NONE ENTERQUEUE|||1\n{ANSWER}"))

    assert told(events) == ["3600 a vaxel enters", "3600 a vaxel answered"]
    assert parser.counts.contradictions[Contradiction.TIME_WENT_BACK] == 1
    assert parser.through == (START + 12) * SECOND


def test_a_departure_after_the_answer_is_left_out() -> None:
    """An answered caller has not hung up, whatever a second line says."""
    parser = new_parser()
    events = parser.feed(raw(f"{ENTER}\n{ANSWER}\n14 1501 NONE ABANDON|1|1|14"))

    assert told(events)[2:] == []
    assert parser.counts.left_out == {LeftOut.ALREADY_ANSWERED: 1}


def test_a_departure_whose_entry_is_in_an_earlier_file_is_told() -> None:
    """Events are facts: the worker puts it together with the entry it has from before."""
    parser = new_parser()
    events = parser.feed(raw("60 1501 NONE ABANDON|1|1|60"))

    assert told(events) == ["60 a vaxel leaves as abandoned"]
    assert parser.counts.contradictions == {Contradiction.LEFT_WITHOUT_ENTERING: 1}


def test_calls_without_an_end_are_forgotten_after_a_day() -> None:
    """What is in flight stays small, and one line from the future makes nobody old."""
    parser = new_parser()
    parser.feed(raw(ENTER))
    far = 30 * DAY // SECOND
    parser.feed(raw(f"{far} b/1501 NONE ENTERQUEUE|||1"))
    kept = parser.waiting
    parser.feed(raw(f"{far + 1} c/1501 NONE ENTERQUEUE|||1"))

    assert kept == 2
    assert parser.waiting == 2
    assert parser.counts.contradictions[Contradiction.NEVER_ENDED] == 1


def test_a_log_of_entries_alone_fills_no_memory() -> None:
    """However many calls never end, only so many are kept, and the others are counted."""
    parser = new_parser()
    calls = range(MAX_CALLERS + 100)
    parser.feed([f"{START}|{n}|1501|NONE|ENTERQUEUE|||1\n".encode() for n in calls])

    assert parser.waiting == MAX_CALLERS
    assert parser.counts.contradictions[Contradiction.NEVER_ENDED] == 100


def test_events_pass_the_codec_that_workers_use() -> None:
    """Whatever bytes an exchange writes into names, the worker can read the events."""
    parser = new_parser(with_people=True)
    line = b"%d|v\xe4xel-1.2|k\xf6\x00\x1b|Bj\xf6rn|ENTERQUEUE||+46\xff|1\n" % START
    (event,) = parser.feed([line])
    back = decode_event(encode_event(event))

    assert back == event
    assert isinstance(back, CallEntered)
    assert back.queue == "k\\xf6\x00\x1b"


def test_reasons_of_departures_are_those_of_the_contract() -> None:
    """No key of the dial plan can invent a reason."""
    parser = new_parser()
    (_, left) = parser.feed(raw(f"{ENTER}\n9 1501 NONE EXITWITHKEY"))

    assert isinstance(left, CallLeft)
    assert left.reason == "key"
