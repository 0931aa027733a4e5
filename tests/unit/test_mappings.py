"""The mappings that are shipped: what the exchanges write, and the calls that come of it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from agents.settings import load_settings
from agents.sources.calls_csv import convert_calls
from agents.sources.calls_csv_mapping import load_mapping
from streams.codec import decode_event, encode_event
from streams.parsers.calls_csv import CallsCsvParser
from streams.reports import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.sources.calls_csv import Summary
    from streams.events import CallRecord

ROOT = Path(__file__).parents[2]
MAPPINGS = ROOT / "config" / "mappings"
STOCKHOLM = ZoneInfo("Europe/Stockholm")

# 2026-11-16 08:00:00 in Stockholm.
MORNING = 1_794_812_400


def convert(name: str, text: str) -> tuple[list[CallRecord], Summary]:
    """The calls that a shipped mapping finds in a file, which must have no bad row."""
    calls: list[CallRecord] = []
    mapping = load_mapping(MAPPINGS / f"{name}.yaml")
    parser = CallsCsvParser(mapping, organisation="exempelkommun", zone=STOCKHOLM)
    summary = convert_calls(
        io.BytesIO(text.encode()),
        parser,
        on_event=calls.append,
        on_bad_row=lambda line, reason: pytest.fail(f"{line}: {reason}"),
    )
    return calls, summary


def told(calls: Sequence[CallRecord]) -> list[str]:
    """Each call in a line: id, queue, and what happened when on its day in Stockholm."""
    lines = []
    for call in calls:
        happened = {
            "in": call.entered_at,
            "answered": call.answered_at,
            str(call.reason): call.left_at,
            "ended": call.ended_at,
        }
        clocks = [
            f"{what} {moment.astimezone(STOCKHOLM):%H:%M:%S}"
            for what, moment in happened.items()
            if moment is not None
        ]
        lines.append(" ".join([call.call, call.queue, *clocks]))
    return lines


def counted(calls: Sequence[CallRecord]) -> dict[str, object]:
    """What the core makes of the calls, over all queues together and for the switchboard."""
    report = Report(load_settings(ROOT / "config").organisations)
    for call in calls:
        event = decode_event(encode_event(call))
        report.add(event)
    total, vaxel = report.rows("all")[:2]
    assert (total["queue"], vaxel["queue"]) == (None, "vaxel")
    return {
        f"{row['queue'] or 'total'}": (row["offered"], row["answered"]) for row in (total, vaxel)
    }


def cdr(linkedid: str, start: str, answer: str, end: str, **differs: str) -> str:
    """A line of Asterisk's Master.csv on 16 November 2026."""
    day = "2026-11-16 "
    values = {
        "accountcode": "",
        "src": "051132000",
        "dst": "600",
        "dcontext": "from-trunk",
        "clid": '""051132000"" <051132000>',
        "channel": "PJSIP/trunk-00000011",
        "dstchannel": "",
        "lastapp": "Queue",
        "lastdata": "600,t,,,300",
        "start": day + start,
        "answer": answer and day + answer,
        "end": day + end,
        "duration": "0",
        "billsec": "0",
        "disposition": "NO ANSWER",
        "amaflags": "DOCUMENTATION",
        "uniqueid": linkedid,
        "userfield": "",
        "peeraccount": "",
        "linkedid": linkedid,
        "sequence": "1",
    } | differs
    return ",".join(f'"{value}"' for value in values.values()) + "\n"


ASTERISK = (
    # Two members do not pick up, the third does; afterwards Asterisk notes the rest of the channel.
    cdr("1794812400.17", "08:00:00", "08:00:01", "08:00:16", dstchannel="PJSIP/101-1")
    + cdr("1794812400.17", "08:00:16", "08:00:16", "08:00:31", dstchannel="PJSIP/102-2")
    + cdr("1794812400.17", "08:00:31", "08:00:31", "08:04:00",
          dstchannel="PJSIP/103-3", disposition="ANSWERED")
    + cdr("1794812400.17", "08:04:00", "08:04:00", "08:04:01", disposition="ANSWERED")
    # Nobody picks up; Asterisk itself has answered, so that the caller hears music.
    + cdr("skara-1794812460.18", "08:01:00", "08:01:00", "08:03:20", disposition="ANSWERED")
    # Somebody calls a telephone in the house.
    + cdr("1794812500.19", "08:01:40", "08:01:45", "08:02:00",
          lastapp="Dial", dstchannel="PJSIP/104-4", disposition="ANSWERED")
)  # fmt: skip


def test_attempts_to_reach_a_member_are_one_visit_of_asterisk_cdrs() -> None:
    """However many records a call has, it was offered once, and answered if any of them says so."""
    calls, summary = convert("asterisk-cdr", ASTERISK)

    assert counted(calls) == {"total": (2, 1), "vaxel": (2, 1)}
    assert told(sorted(calls, key=lambda call: call.revision)[-1:]) == [
        "1794812400.17 vaxel in 08:00:00 answered 08:00:31 ended 08:04:00"
    ]
    assert told(calls[4:]) == ["skara-1794812460.18 vaxel in 08:01:00 unknown 08:03:20"]
    assert dict(summary.no_calls) == {"not in a queue, but elsewhere in the dialplan": 1}


def test_the_order_of_asterisk_cdrs_does_not_matter() -> None:
    """Asterisk writes the records of a call in no order that could be relied on."""
    lines = ASTERISK.splitlines(keepends=True)
    calls, _ = convert("asterisk-cdr", "".join(reversed(lines)))

    assert counted(calls) == {"total": (2, 1), "vaxel": (2, 1)}


@pytest.mark.parametrize("name", ["asterisk-cdr", "freeswitch-cdr-csv"])
def test_a_mapping_that_cannot_know_the_wait_says_so(name: str) -> None:
    """Whoever uses it is warned, since the numbers themselves look like any others."""
    mapping = load_mapping(MAPPINGS / f"{name}.yaml")

    assert mapping.warning is not None
    assert "queue wait" in mapping.warning or "no queue" in mapping.warning


def line(uuid: str, came: str, answered: str, went: str, **differs: str) -> str:
    """A line of FreeSWITCH's template `example` on 16 November 2026."""
    day = "2026-11-16 "
    values = {
        "caller_id_name": "Anna",
        "caller_id_number": "051132000",
        "destination_number": "5000",
        "context": "public",
        "start_stamp": day + came,
        "answer_stamp": answered and day + answered,
        "end_stamp": day + went,
        "duration": "0",
        "billsec": "0",
        "hangup_cause": "NORMAL_CLEARING",
        "uuid": uuid,
        "bleg_uuid": "",
        "accountcode": "",
        "read_codec": "PCMA",
        "write_codec": "PCMA",
    } | differs
    return ",".join(f'"{value}"' for value in values.values()) + "\n"


FREESWITCH = (
    line("a1", "08:00:00", "08:00:26", "08:03:10", bleg_uuid="b1")
    + line("a2", "08:01:00", "", "08:01:40", hangup_cause="ORIGINATOR_CANCEL")
    + line("a3", "08:02:00", "", "08:03:00", hangup_cause="NO_ANSWER")
    + line("a4", "08:02:30", "08:02:30", "08:02:50")
    + line("a5", "08:04:00", "08:04:05", "08:05:00", bleg_uuid="b5", destination_number="0708123")
)


def test_lines_of_freeswitch_are_calls_to_the_numbers_of_the_contact_centre() -> None:
    """Answered is who was connected to a second leg; a machine that answered is no member."""
    calls, summary = convert("freeswitch-cdr-csv", FREESWITCH)

    assert told(calls) == [
        "a1 vaxel in 08:00:00 answered 08:00:26 ended 08:03:10",
        "a2 vaxel in 08:01:00 abandoned 08:01:40",
        "a3 vaxel in 08:02:00 timeout 08:03:00",
        "a4 vaxel in 08:02:30 unknown 08:02:50",
    ]
    assert dict(summary.no_calls) == {"called another number": 1}


def member(uuid: str, **differs: object) -> dict[str, str]:
    """The variables of a caller who joined the queue at eight and was answered after 26 s."""
    values: dict[str, object] = {
        "uuid": uuid,
        "caller_id_number": "+46511320000",
        "cc_side": "member",
        "cc_queue": "support@default",
        "cc_queue_joined_epoch": MORNING,
        "cc_queue_answered_epoch": MORNING + 26,
        "cc_queue_terminated_epoch": MORNING + 190,
        "cc_queue_canceled_epoch": 0,
        "cc_cause": "answered",
        "cc_cancel_reason": "",
    }
    return {name: str(value) for name, value in (values | differs).items()}


def cancelled(uuid: str, reason: str, after: int) -> dict[str, str]:
    """The variables of a caller who left the queue unanswered."""
    return member(
        uuid,
        cc_queue_answered_epoch="",
        cc_queue_terminated_epoch="",
        cc_queue_canceled_epoch=MORNING + after,
        cc_cause="cancel",
        cc_cancel_reason=reason,
    )


MEMBERS = [
    member("a1"),
    cancelled("a2", "BREAK_OUT", 40),
    cancelled("a3", "NONE", 50),
    cancelled("a4", "TIMEOUT", 60),
    cancelled("a5", "NO_AGENT_TIMEOUT", 70),
    cancelled("a6", "EXIT_WITH_KEY", 80),
    # Timed out of one queue, and answered in the next: the reason of the first stays behind.
    member("a7", cc_cancel_reason="TIMEOUT", cc_queue_canceled_epoch=MORNING - 5),
    member("a8", cc_queue_terminated_epoch="0"),
    member("b1", cc_side="agent"),
    member("a9", **dict.fromkeys([name for name in member("") if name[:3] == "cc_"], "")),
]
VISITS = [
    "a1 vaxel in 08:00:00 answered 08:00:26 ended 08:03:10",
    "a2 vaxel in 08:00:00 abandoned 08:00:40",
    "a3 vaxel in 08:00:00 abandoned 08:00:50",
    "a4 vaxel in 08:00:00 timeout 08:01:00",
    "a5 vaxel in 08:00:00 timeout 08:01:10",
    "a6 vaxel in 08:00:00 key 08:01:20",
    "a7 vaxel in 08:00:00 answered 08:00:26 ended 08:03:10",
    "a8 vaxel in 08:00:00 answered 08:00:26",
]
NO_VISITS = {"the member's own leg of a call": 1, "never came to a queue": 1}


def test_variables_of_mod_callcenter_are_calls_by_its_template() -> None:
    """Only who gave up has abandoned, although FreeSWITCH counts everybody who was cancelled."""
    lines = (",".join(f'"{value}"' for value in row.values()) for row in MEMBERS)
    calls, summary = convert("freeswitch-callcenter", "\n".join(lines))

    assert told(calls) == VISITS
    assert dict(summary.no_calls) == NO_VISITS
    assert dict(summary.contradictions) == {"answered-without-end": 1}


def test_the_template_in_the_comment_writes_the_columns_of_the_mapping() -> None:
    """The comment's line is what its reader will copy."""
    path = MAPPINGS / "freeswitch-callcenter.yaml"
    template = next(line for line in path.read_text().splitlines() if "<template" in line)
    named = template.split(">", 1)[1].split("<", 1)[0].split(",")

    assert tuple(name.strip('"${}') for name in named) == load_mapping(path).columns
    assert load_mapping(path).columns == tuple(MEMBERS[0])


def test_variables_of_mod_callcenter_are_calls_in_json_too() -> None:
    """Both forms of the same call give the same event; values come as in web addresses."""
    records = [
        {"core-uuid": "c", "variables": {k: v.replace("@", "%40") for k, v in row.items() if v}}
        for row in MEMBERS
    ]
    calls, summary = convert("freeswitch-callcenter-json", "".join(map(json.dumps, records)))

    assert told(calls) == VISITS
    assert dict(summary.no_calls) == NO_VISITS
    assert summary.absent == {}


def contact(contact_id: str, **differs: Any) -> dict[str, Any]:
    """A contact record as Amazon Connect sends it, shortened: answered after five seconds."""
    record: dict[str, Any] = {
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "Agent": {"ConnectedToAgentTimestamp": "2026-11-16T07:00:16Z", "Username": "m07"},
        "Attributes": {"note": 'a "quoted" {text}'},
        "Channel": "VOICE",
        "ContactId": contact_id,
        "CustomerEndpoint": {"Address": "+46511320000", "Type": "TELEPHONE_NUMBER"},
        "DisconnectTimestamp": "2026-11-16T07:03:30Z",
        "InitialContactId": None,
        "InitiationMethod": "INBOUND",
        "LastUpdateTimestamp": "2026-11-16T07:04:44Z",
        "NextContactId": None,
        "PreviousContactId": None,
        "Queue": {
            "DequeueTimestamp": "2026-11-16T07:00:16Z",
            "Duration": 5,
            "EnqueueTimestamp": "2026-11-16T07:00:11Z",
            "Name": "Växel",
        },
        "TransferCompletedTimestamp": None,
    }
    return record | differs


WAITED = {
    "EnqueueTimestamp": "2026-11-16T07:10:00Z",
    "DequeueTimestamp": "2026-11-16T07:12:30Z",
    "Name": "Växel",
}
CONTACTS = [
    contact("c1"),
    contact("c2", Agent=None, Queue=WAITED, DisconnectTimestamp="2026-11-16T07:12:31Z"),
    contact("c3", Agent=None, Queue=WAITED, NextContactId="c4"),
    contact("c4", InitiationMethod="CALLBACK", InitialContactId="c3"),
    contact("c5", Channel="CHAT"),
    contact("c6", InitiationMethod="OUTBOUND"),
    contact("c7", Queue=None, Agent=None),
    contact("c8", TransferCompletedTimestamp="2026-11-16T07:02:00Z", NextContactId="c9"),
    contact("c9", InitiationMethod="TRANSFER", InitialContactId="c8",
            Queue=WAITED | {"Name": "omsorg"},
            Agent={"ConnectedToAgentTimestamp": "2026-11-16T07:12:30Z"},
            DisconnectTimestamp="2026-11-16T07:15:00Z"),
]  # fmt: skip


def test_contact_records_of_amazon_connect_are_calls_of_citizens_to_queues() -> None:
    """A transfer is a second visit of the same call; callbacks, chats and outbound are none."""
    calls, summary = convert("amazon-connect", "\n".join(map(json.dumps, CONTACTS)))

    assert told(calls) == [
        "c1 vaxel in 08:00:11 answered 08:00:16 ended 08:03:30",
        "c2 vaxel in 08:10:00 abandoned 08:12:30",
        "c3 vaxel in 08:10:00 transferred 08:12:30",
        "c8 vaxel in 08:00:11 answered 08:00:16 ended 08:02:00",
        "c8 omsorg in 08:10:00 answered 08:12:30 ended 08:15:00",
    ]
    assert dict(summary.no_calls) == {
        "a callback; the citizen waits no more": 1,
        "no telephone call": 1,
        "not begun by a citizen": 1,
        "never came to a queue": 1,
    }


def test_the_newest_version_of_a_contact_holds_in_whatever_order_they_come() -> None:
    """Connect sends a record again when it learns more, days later and not in order."""
    first = contact("c1", Agent=None, LastUpdateTimestamp="2026-11-16T07:04:00Z")
    newest = contact("c1", LastUpdateTimestamp="2026-11-18T09:00:00Z")
    found = []
    for order in ([first, newest], [newest, first], [newest, first, newest]):
        calls, _ = convert("amazon-connect", "".join(map(json.dumps, order)))
        found.append(counted(calls))

    updated = datetime(2026, 11, 18, 9, tzinfo=UTC)
    assert calls[0].revision == updated.timestamp() * 1000
    assert found == [{"total": (1, 1), "vaxel": (1, 1)}] * 3


def test_names_of_contact_records_are_found_in_any_case() -> None:
    """Connect's own examples write `agent` here and `Agent` there."""
    lower = {key[0].lower() + key[1:]: value for key, value in contact("c1").items()}
    calls, summary = convert("amazon-connect", json.dumps(lower))

    assert told(calls) == ["c1 vaxel in 08:00:11 answered 08:00:16 ended 08:03:30"]
    assert summary.absent == {}


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_mapping_has_its_section_in_the_documentation(path: Path) -> None:
    """A mapping that nobody can find is used by nobody."""
    page = (ROOT / "docs" / "sources" / "calls-csv.md").read_text()

    assert f"`{path.name}`" in page
