"""The daily contact list: who is on it, once, and who is left out and counted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import events as ev
from streams.books import Book
from streams.exports.contact_list import ContactList, list_contacts
from streams.exports.opt_outs import OptOutError, as_told, read_opt_outs, spellings
from streams.parsers.queue_log.parser import QueueLogParser
from streams.pseudonyms import create_pseudonymiser
from streams.statements import fact_of
from tests.letters import Postman, letter, pseudonymise
from tests.strategies import ORGANISATION, STOCKHOLM, call_events, email_events

if TYPE_CHECKING:
    from streams.organisations import Channel

NAME = ORGANISATION.name
DAY = date(2026, 11, 20)
PSEUDONYMISE = create_pseudonymiser(b"kept out of the repository")


def local(clock: str, day: date = DAY, *, fold: int = 0) -> datetime:
    """A local time of the day."""
    moment = datetime.fromisoformat(f"{day}T{clock}")
    return moment.replace(tzinfo=STOCKHOLM, fold=fold)


def call(
    name: str, entered: datetime, *, wait: float = 30, caller: str | None = "a1", **more: Any
) -> list[ev.AnyEvent]:
    """A call that is answered, talks for a minute and ends."""
    queue = more.pop("queue", "vaxel")
    # Absolute time: a wall clock may be changed meanwhile.
    answered = (entered.timestamp() + wait, entered.timestamp() + wait + 60)
    at, end = (datetime.fromtimestamp(t, STOCKHOLM) for t in answered)
    common: dict[str, Any] = {"organisation": NAME, "call": name}
    return [
        ev.CallEntered(**common, queue=queue, at=entered, caller=caller),
        ev.CallAnswered(**common, queue=queue, at=at, member="m1"),
        ev.CallEnded(**common, queue=queue, at=end, **more),
    ]


def mail(
    name: str, received: datetime, replied: datetime | None, *, sender: str | None = "s1"
) -> list[ev.AnyEvent]:
    """A question by mail, answered or not; a machine answers first."""
    common: dict[str, Any] = {"organisation": NAME, "conversation": name, "mailbox": "kontakt"}
    told: list[ev.AnyEvent] = [
        ev.EmailReceived(**common, message="q", at=received, automatic=False, sender=sender),
        ev.EmailSent(**common, message="auto", at=received, automatic=True),
    ]
    if replied is not None:
        told.append(ev.EmailSent(**common, message="a", at=replied, automatic=False))
    return told


def listed(
    *contacts: list[ev.AnyEvent], day: date = DAY, opt_outs: frozenset[str] = frozenset()
) -> ContactList:
    """The list of a day from what was told."""
    books: dict[str, Book] = {}
    for event in [event for contact in contacts for event in contact]:
        channel: Channel = "calls" if hasattr(event, "call") else "emails"
        book = books.setdefault(channel, Book(ORGANISATION, channel))
        contact_id, fact = fact_of(event)
        book.add(contact_id, fact, fact.at)
    return list_contacts(books.values(), day, opt_outs)


def test_an_answered_call_is_listed_with_what_is_known_of_it() -> None:
    """Every column says what the supplier needs, at the minute of the answer."""
    result = listed(call("c1", local("09:14:50"), topic="bygglov", resolved=True))
    (row,) = result.rows

    assert (row.organisation, row.date, row.time) == (NAME, "2026-11-20", "09:15")
    assert (row.channel, row.part, row.topic, row.resolved) == ("calls", "vaxel", "bygglov", True)
    assert (row.pseudonym, row.contact, row.further) == ("a1", "c1", 0)


def test_a_call_nobody_answered_is_not_on_the_list() -> None:
    """Who gave up has no service to judge."""
    told = call("c1", local("09:00"))[:1]

    assert listed(told) == ContactList()


def test_a_transferred_call_is_listed_once_by_its_first_answer() -> None:
    """One citizen, one conversation, whatever queues it went through."""
    first = call("c1", local("09:00"), wait=20)
    second = call("c1", local("09:02"), wait=45, queue="bygg", caller=None, topic="bygglov")
    result = listed(first, second)
    (row,) = result.rows

    assert (row.time, row.part, row.topic, row.further) == ("09:00", "vaxel", "bygglov", 0)
    assert (result.repeated, result.unknown) == (0, 0)


def test_somebody_who_calls_three_times_is_listed_once() -> None:
    """Nobody is invited twice for one channel and day; the first contact stands for the others."""
    result = listed(
        call("c3", local("15:00")), call("c1", local("09:00")), call("c2", local("11:00"))
    )
    (row,) = result.rows

    assert (row.contact, row.further, result.repeated) == ("c1", 2, 2)


def test_who_calls_and_writes_is_listed_in_both_channels() -> None:
    """The survey asks about telephone and e-mail apart."""
    result = listed(
        call("c1", local("09:00"), caller="x"),
        mail("k1", local("08:00"), local("10:00"), sender="x"),
    )

    assert [row.channel for row in result.rows] == ["calls", "emails"]


def test_the_day_is_that_of_the_answer() -> None:
    """A call that rings before midnight and is answered after it belongs to the new day."""
    late = call("c1", local("23:59:50"), wait=15)
    edge = call("c2", local("23:59:30"), wait=30, caller="a2")
    before = call("c3", local("23:59:29"), wait=30.9, caller="a3")
    tomorrow = DAY + timedelta(days=1)

    assert [row.contact for row in listed(late, edge, before).rows] == ["c3"]
    assert [row.contact for row in listed(late, edge, before, day=tomorrow).rows] == ["c2", "c1"]


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_may_have_23_or_25_hours(day: date, hours: int) -> None:
    """Where the clocks are changed the list covers the whole local day and nothing else."""
    midnight = local("00:00", day).timestamp()
    contacts = [
        call(
            f"c{hour:02}",
            datetime.fromtimestamp(midnight + 3600 * hour, STOCKHOLM),
            wait=0,
            caller=f"a{hour}",
        )
        for hour in range(-2, 28)
    ]

    assert [row.contact for row in listed(*contacts, day=day).rows] == [
        f"c{hour:02}" for hour in range(hours)
    ]


def test_withheld_numbers_are_counted_and_left_out() -> None:
    """Nobody can be invited without a number; how many they are is said."""
    result = listed(
        call("c1", local("09:00"), caller=None), call("c2", local("09:05"), caller=None)
    )

    assert result == ContactList(unknown=2)


def test_a_mail_is_listed_when_a_human_first_replied() -> None:
    """An acknowledgement by a machine is no reply; an unanswered mail is on no list."""
    thursday = DAY - timedelta(days=1)
    result = listed(
        mail("k1", local("16:00", thursday), local("08:31")),
        mail("k2", local("09:00"), None, sender="s2"),
        mail("k3", local("16:00", thursday), local("17:00", thursday), sender="s3"),
    )
    (row,) = result.rows

    assert (row.contact, row.time, row.part) == ("k1", "08:31", "kontakt")
    assert (row.topic, row.resolved, row.pseudonym) == ("", None, "s1")


def test_parts_nobody_configured_are_other() -> None:
    """The list names what the configuration names, like everything else."""
    (row,) = listed(call("c1", local("09:00"), queue="okand")).rows

    assert row.part == "other"


def test_who_said_no_is_left_out_in_whatever_form_it_was_said() -> None:
    """A pseudonym, a number in another spelling and an address in capitals are all understood."""
    number = PSEUDONYMISE("+4651132000")
    address = PSEUDONYMISE("anna.berg@example.org")
    other = PSEUDONYMISE("0511-999 99")
    opt_outs = read_opt_outs(
        ["# who said no", "", "0511-320 00", "Anna.Berg@Example.ORG", other], PSEUDONYMISE
    )
    result = listed(
        call("c1", local("09:00"), caller=number),
        call("c2", local("09:30"), caller=number),
        call("c3", local("10:00"), caller=other),
        call("c4", local("11:00"), caller="a4"),
        mail("k1", local("08:00"), local("10:00"), sender=address),
        opt_outs=opt_outs,
    )

    assert [row.contact for row in result.rows] == ["c4"]
    assert (result.opted_out, result.repeated) == (4, 0)


@pytest.mark.parametrize(
    "written",
    ["0511-320 00", "0511 320 00", "+46 511 320 00", "+46 (0)511-32000", "0046511 32000"],
)
def test_every_usual_spelling_of_a_number_is_the_same_person(written: str) -> None:
    """However a citizen writes the number, the exchange's own spelling is among those tried."""
    for told in ("051132000", "+4651132000", "004651132000", "4651132000"):
        assert told in spellings(written)


def test_foreign_numbers_keep_their_country() -> None:
    """A Norwegian number is not taken for a Swedish one."""
    assert spellings("+47 22 33 44 55") == {
        "+47 22 33 44 55", "4722334455", "+4722334455", "004722334455"
    }  # fmt: skip


def test_what_sources_tell_and_what_people_type_is_the_same_person() -> None:
    """A header with a name and capitals, and a number as the exchange wrote it."""
    with Postman() as postman:
        postman.bring(letter("q", From='"Berg, Anna" <Anna.Berg@Example.net>'))
    (received,) = postman.events
    parser = QueueLogParser(
        organisation=NAME,
        queues={"1": "vaxel"},
        pseudonymise=PSEUDONYMISE,
        callback_keys=frozenset(),
    )
    told = [b"1779000000|c1|1|NONE|ENTERQUEUE||+46511320 00|1\n"]
    told.append(b"1779000020|c1|1|PJSIP/7009|CONNECT|20|x.1|4\n")
    entered = parser.feed(told)[0]

    assert isinstance(received, ev.EmailReceived)
    assert isinstance(entered, ev.CallEntered)
    assert received.sender == pseudonymise(as_told("anna.berg@example.NET"))
    assert entered.caller == PSEUDONYMISE(as_told(" +46511320 00 "))


@pytest.mark.parametrize("line", ["Anna Berg", "@", "12", "1" * 18, "0511-32000 Anna"])
def test_a_line_that_names_nobody_is_refused_without_being_quoted(line: str) -> None:
    """A slip in the list of those who said no must not go unnoticed, nor into a log."""
    with pytest.raises(OptOutError, match=r"^line 2: ") as refusal:
        read_opt_outs(["", line], PSEUDONYMISE)

    assert line not in str(refusal.value)


def test_pseudonyms_need_no_key_and_numbers_do() -> None:
    """Whoever makes the list need not hold the key, as long as others made the pseudonyms."""
    assert read_opt_outs(["4038ced5f85cb30e"], None) == {"4038ced5f85cb30e"}
    with pytest.raises(OptOutError, match="key"):
        read_opt_outs(["0511-320 00"], None)


def _by(event: Any, person: str | None) -> Any:
    """The event as somebody's."""
    field: dict[Any, str] = {
        ev.CallEntered: "caller",
        ev.CallRecord: "caller",
        ev.EmailReceived: "sender",
    }
    name = field.get(type(event))
    return msgspec.structs.replace(event, **{name: person}) if name else event


worlds = st.lists(
    st.builds(_by, st.one_of(call_events, email_events), st.sampled_from([None, "a1", "a2"])),
    max_size=25,
)


@given(st.data())
def test_the_list_does_not_depend_on_order_or_repetition(data: st.DataObject) -> None:
    """Facts in any order and any number of times make the same list."""
    told = data.draw(worlds)
    repeated = told + (data.draw(st.lists(st.sampled_from(told), max_size=5)) if told else [])
    shuffled = data.draw(st.permutations(repeated))
    days = [date(2026, 10, 24) + timedelta(days=n) for n in range(3)]

    assert [listed(told, day=day) for day in days] == [listed(shuffled, day=day) for day in days]


@given(worlds)
def test_every_answered_contact_is_accounted_for(told: list[Any]) -> None:
    """Listed, repeated, left out and unknown add up to what was answered on the day."""
    day = date(2026, 10, 25)
    free = listed(told, day=day)
    people = frozenset(row.pseudonym for row in free.rows)
    strict = listed(told, day=day, opt_outs=people)

    assert strict.rows == ()
    assert strict.unknown == free.unknown
    assert strict.opted_out == len(free.rows) + free.repeated
