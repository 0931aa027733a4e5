"""Arbitrary worlds: events that a broken exchange or a confused mailbox might send."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from streams import events as ev
from streams.calendars import Calendar, CalendarVersion, Hours
from streams.instants import DAY, HOUR, MINUTE, SECOND, from_datetime, to_datetime
from streams.measures import CLOSE_REASONS, LEAVE_REASONS
from streams.organisations import Organisation, Part, Promise, Source
from streams.promises import parse_within

STOCKHOLM = ZoneInfo("Europe/Stockholm")
BASE = from_datetime(datetime(2026, 10, 24, 23, 50, tzinfo=STOCKHOLM))
"""Ten minutes before a midnight, three hours before the clocks go back."""

WORKING = tuple([(Hours(8 * 60, 12 * 60), Hours(13 * 60, 17 * 60))] * 5 + [(), ()])
CALENDAR = Calendar(
    "default",
    "Europe/Stockholm",
    (CalendarVersion(weekdays=WORKING, country="SE", half_day_closes=13 * 60),),
)


def _promise(name: str, within: str, **more: object) -> Promise:
    channel = more.pop("channel", "calls")
    return Promise(name=name, channel=channel, within=parse_within(within), target=0.8, **more)  # type: ignore[arg-type]


ORGANISATION = Organisation(
    name="provkommun",
    sv="Provkommun",
    en="Sample municipality",
    time_zone="Europe/Stockholm",
    queues={name: Part(name, name, name) for name in ("vaxel", "bygg")},
    mailboxes={"kontakt": Part("kontakt", "Kontakt", "Contact")},
    desks={"reception": Part("reception", "Reception", "Reception")},
    sources=(Source("exchange", "calls"), Source("mailbox", "emails")),
    calendars={"default": CALENDAR},
    promises=(
        _promise("in-two-minutes", "2 min"),
        _promise("in-two-minutes", "60 s", valid_from=date(2026, 10, 25)),
        _promise("bygg-in-one", "1 min", parts=("bygg",), service_level="answered_only"),
        _promise("whole-call", "5 min", parts=("total",)),
        _promise("two-days", "2 working days", channel="emails"),
        _promise("full-in-eight", "8 working hours", channel="emails", met_by="full_answer"),
    ),
    max_wait=20 * MINUTE,
)

queues = st.sampled_from(["vaxel", "bygg", "okand"])
mailboxes = st.sampled_from(["kontakt", "okand@example.org"])
call_names = st.sampled_from(["c1", "c2", "c3"])
revisions = st.sampled_from([0, 0, 0, 1, 2])


def moments(span: int, step: int) -> st.SearchStrategy[datetime]:
    """Instants on a grid, so that ties and exact thresholds are common."""
    return st.integers(0, span // step).map(lambda n: to_datetime(BASE + n * step))


call_moments = st.one_of(moments(40 * MINUTE, 30 * SECOND), moments(4 * HOUR, 500_000))
mail_moments = st.one_of(moments(12 * DAY, HOUR), moments(12 * DAY, 61 * SECOND))

_call = {
    "organisation": st.just("provkommun"),
    "revision": revisions,
    "call": call_names,
    "queue": queues,
}
_answers = st.sampled_from([True, False, None])
_topics = st.sampled_from([None, None, "bygglov", "skola"])
_mail = {
    "organisation": st.just("provkommun"),
    "revision": revisions,
    "conversation": st.sampled_from(["k1", "k2", "k3"]),
}


@st.composite
def _records(draw: st.DrawFn) -> ev.CallRecord:
    times = sorted(draw(st.lists(call_moments, min_size=3, max_size=3)))
    answered = draw(st.booleans())
    return ev.CallRecord(
        organisation="provkommun",
        revision=draw(revisions),
        call=draw(call_names),
        queue=draw(queues),
        entered_at=times[0],
        answered_at=times[1] if answered else None,
        left_at=None if answered else times[1],
        reason=None if answered else draw(st.sampled_from(LEAVE_REASONS)),
        ended_at=draw(st.sampled_from([None, times[2]])),
        resolved=draw(_answers),
        topic=draw(_topics),
    )


call_events = st.one_of(
    st.builds(ev.CallEntered, at=call_moments, **_call),
    st.builds(ev.CallEntered, at=call_moments, **_call),
    st.builds(
        ev.CallAnswered, at=call_moments, member=st.sampled_from([None, "m1", "m2"]), **_call
    ),
    st.builds(ev.CallLeft, at=call_moments, reason=st.sampled_from(LEAVE_REASONS), **_call),
    st.builds(
        ev.CallEnded,
        at=call_moments,
        resolved=_answers,
        topic=_topics,
        **{**_call, "queue": st.one_of(st.none(), queues)},
    ),
    _records(),
)
email_events = st.one_of(
    st.builds(
        ev.EmailReceived,
        at=mail_moments,
        message=st.sampled_from(["i1", "i2", "i3"]),
        mailbox=mailboxes,
        automatic=st.booleans(),
        **_mail,
    ),
    st.builds(
        ev.EmailSent,
        at=mail_moments,
        message=st.sampled_from(["o1", "o2", "o3"]),
        mailbox=mailboxes,
        automatic=st.booleans(),
        holding=st.booleans(),
        **_mail,
    ),
    st.builds(ev.EmailClosed, at=mail_moments, reason=st.sampled_from(CLOSE_REASONS), **_mail),
    st.builds(ev.EmailForwarded, at=mail_moments, unit=st.sampled_from(["a", "b"]), **_mail),
)


@st.composite
def batches(draw: st.DrawFn, events: list[ev.AnyEvent]) -> list[list[ev.AnyEvent]]:
    """The same events in any order, some of them twice or more, cut anywhere."""
    repeated = events + draw(st.lists(st.sampled_from(events), max_size=5)) if events else []
    shuffled = draw(st.permutations(repeated))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    return [shuffled[a:b] for a, b in pairwise([0, *cuts, len(shuffled)])]
