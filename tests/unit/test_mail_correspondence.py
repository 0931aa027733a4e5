"""What mails tell about an organisation: which way they went, and whose conversation they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agents.settings import organisation_from_text
from streams.events import EmailClosed, EmailForwarded, EmailReceived, EmailSent
from streams.instants import DAY, HOUR, MINUTE, SECOND, from_datetime, to_datetime
from streams.parsers.mail.classification import Automatic
from streams.parsers.mail.correspondence import LeftOut, Note, Told
from streams.reports import Report
from tests.letters import (
    ANNA,
    BYGG,
    CITIZEN,
    CLOSED,
    EXPERT,
    FORM,
    INBOX,
    KONTAKT,
    MONDAY,
    OTHER_CITIZEN,
    OTHER_INBOX,
    SENT,
    SPAM,
    TRASH,
    Postman,
    letter,
    pseudonymise,
    refs,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.parsers.mail.folders import Folder


@pytest.fixture
def postman() -> Iterator[Postman]:
    """Brings mails to a correspondence that knows nothing yet."""
    with Postman() as one:
        yield one


def kpis(*postmen: Postman, until: int) -> dict[str, object]:
    """The KPIs of the mailbox over all that was told."""
    organisation = organisation_from_text(
        """
        display_name: {sv: Provkommun, en: Municipality of Prov}
        mailboxes: {kontakt: Kontaktcenter, bygglov: Bygglov}
        calendars: {default: {hours: {mon-fri: 08:00-17:00}}}
        promises:
          - {name: answer, channel: emails, within: 2 working days, met_by: full_answer,
             target: 80 %}
        """.replace("\n        ", "\n"),
        "provkommun",
    )
    report = Report({"provkommun": organisation}, until)
    for postman in postmen:
        for event in postman.events:
            report.add(event)
    return next(row for row in report.rows("all") if row["mailbox"] == "kontakt")


def test_a_question_and_its_answer_are_one_conversation(postman: Postman) -> None:
    """The mail that came and the one that was sent bear the same conversation."""
    postman.bring(letter("q"))
    postman.bring(answer("a", "q"), SENT, at=MONDAY + HOUR)
    received, sent = postman.events

    assert isinstance(received, EmailReceived)
    assert isinstance(sent, EmailSent)
    assert received.conversation == sent.conversation
    assert received.at == to_datetime(MONDAY)
    assert (received.mailbox, sent.mailbox, sent.holding) == ("kontakt", "kontakt", False)


def answer(message_id: str, *parents: str, to: str = CITIZEN, **headers: str) -> bytes:
    """A mail from the mailbox."""
    return letter(message_id, **{"From": KONTAKT, "To": to, "References": refs(*parents)} | headers)


def test_no_address_and_no_id_leaves_as_it_is(postman: Postman) -> None:
    """Whatever stands in an event is a pseudonym, a name in the configuration, or a time."""
    postman.bring(letter("q", Subject="hemlig"))
    postman.bring(answer("a", "q"), SENT)
    told = repr(postman.events)

    assert "@" not in told
    assert "example" not in told
    assert "hemlig" not in told
    assert postman.events[0].sender == pseudonymise(CITIZEN)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("block", "folder", "expected"),
    [
        pytest.param(letter("m"), INBOX, EmailReceived, id="a citizen writes"),
        pytest.param(letter("m", From=""), INBOX, EmailReceived, id="nobody knows who wrote"),
        pytest.param(
            letter("m", From=ANNA, Subject="Lunch?"),
            INBOX,
            LeftOut.INTERNAL,
            id="a colleague writes to us only",
        ),
        pytest.param(
            letter("m", From=KONTAKT, To=CITIZEN),
            SENT,
            LeftOut.UNMATCHED_OUTGOING,
            id="we write first",
        ),
        pytest.param(
            letter("m", From=KONTAKT, To=CITIZEN, Auto_Submitted="auto-replied"),
            SENT,
            LeftOut.AUTOMATIC_OUTGOING,
            id="a machine of ours writes to somebody unknown",
        ),
        pytest.param(
            letter("m", From=KONTAKT, To=BYGG), SENT, LeftOut.INTERNAL, id="one mailbox to another"
        ),
        pytest.param(
            letter("m", From=FORM, Reply_To=CITIZEN, Auto_Submitted="auto-generated"),
            INBOX,
            EmailReceived,
            id="a form writes for a citizen",
        ),
        pytest.param(
            letter("m", From=KONTAKT, To=KONTAKT, Reply_To=CITIZEN),
            INBOX,
            EmailReceived,
            id="a form writes in our own name",
        ),
        pytest.param(
            letter("m", From=KONTAKT, To=CITIZEN, References=refs("x")),
            TRASH,
            LeftOut.DELETED,
            id="a draft in the trash",
        ),
        pytest.param(letter("m"), TRASH, EmailReceived, id="a question in the trash"),
        pytest.param(letter("m"), SENT, EmailReceived, id="a question among what was sent"),
        pytest.param(
            letter("m", From=ANNA, To=CITIZEN, References=refs("x")),
            SENT,
            EmailSent,
            id="a colleague sends in the mailbox",
        ),
        pytest.param(letter("m", From=KONTAKT), SPAM, EmailReceived, id="spam in our own name"),
    ],
)
def test_a_mail_goes_in_out_or_round_the_house(
    postman: Postman, block: bytes, folder: Folder, expected: type | LeftOut
) -> None:
    """Which way a mail went is told by its folder, its sender and its recipients."""
    told = postman.bring(block, folder)

    assert (told.left_out or type(told.events[0])) == expected
    assert bool(told.events) == (told.left_out is None)


def test_a_form_is_a_human_and_its_citizen_is_whom_answers_go_to(postman: Postman) -> None:
    """A machine writes it for somebody who asks, and an answer is matched by that address."""
    question = letter("q", From=FORM, Reply_To=CITIZEN, Auto_Submitted="auto-generated")
    received = postman.bring(question).events[0]
    told = postman.bring(letter("a", From=KONTAKT, To=CITIZEN), SENT, at=MONDAY + HOUR)

    assert isinstance(received, EmailReceived)
    assert (received.automatic, received.sender) == (False, pseudonymise(CITIZEN))
    assert told.events[0].conversation == received.conversation
    assert told.notes == (Note.MATCHED_BY_RECIPIENT,)


def test_mail_through_a_list_of_ones_own_is_from_people(postman: Postman) -> None:
    """A list in front of the mailbox marks all its mail; only other lists are machines."""
    own = {"List_Id": "Kontakt <kontakt.prov.example>", "Precedence": "list"}
    postman.bring(letter("q", **own))
    postman.bring(letter("n", List_Id="<nyheter.x.example>"))

    assert [event.automatic for event in postman.events] == [False, True]  # type: ignore[union-attr]


def test_an_automatic_mail_is_told_as_one_with_its_sign(postman: Postman) -> None:
    """It opens nothing, and one can count by which sign it was known."""
    told = postman.bring(letter("q", Subject="Autosvar: Bygglov"))
    ours = postman.bring(answer("ack-1", "q", to=CITIZEN), SENT, at=MONDAY + SECOND)

    assert told.automatic is Automatic.SUBJECT
    assert ours.automatic is Automatic.OWN_ACKNOWLEDGEMENT
    assert [event.automatic for event in postman.events] == [True, True]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("headers", "flags", "holding"),
    [
        ({}, (), False),
        ({"Subject": "SV: [Handläggs] Bygglov"}, (), True),
        ({"Subject": "=?utf-8?q?=5Bhandl=C3=A4ggs=5D_Bygglov?="}, (), True),
        ({"X_Mall": "Handläggs inom 5 dagar"}, (), True),
        ({"X_Mall": "Svar"}, (), False),
        ({"Sender": "arende@prov.example"}, (), True),
        ({}, ("\\Seen", "Handläggs"), True),
    ],
)
def test_a_holding_reply_is_known_by_what_members_agreed_on(
    postman: Postman, headers: dict[str, str], flags: tuple[str, ...], *, holding: bool
) -> None:
    """A tag, a template's header, an address or a keyword: each is enough."""
    postman.bring(letter("q"))
    told = postman.bring(answer("a", "q", **headers), SENT, at=MONDAY + HOUR, flags=flags)

    assert [event.holding for event in told.events] == [holding]  # type: ignore[union-attr]


def test_a_tag_that_the_citizen_quotes_says_nothing_about_the_answer(postman: Postman) -> None:
    """Once the citizen has answered to a holding reply, the subject bears its tag for ever."""
    postman.bring(letter("q"))
    postman.bring(answer("h", "q", Subject="[handläggs] Bygglov"), SENT, at=MONDAY + HOUR)
    quoted = letter("t", Subject="SV: [handläggs] Bygglov", References=refs("q", "h"))
    postman.bring(quoted, at=MONDAY + 2 * HOUR)
    last = answer("a", "q", "h", "t", Subject="SV: [handläggs] Bygglov")
    told = postman.bring(last, SENT, at=MONDAY + DAY)

    assert [event.holding for event in told.events] == [False]  # type: ignore[union-attr]


def test_a_mail_that_is_moved_is_one_mail(postman: Postman) -> None:
    """Copies are known by their id, wherever they are found and whatever their subject became."""
    postman.bring(letter("q"))
    moved = postman.bring(letter("q", Subject="[ärende 7] Bygglov"), OTHER_INBOX, at=MONDAY + HOUR)

    assert moved == Told(left_out=LeftOut.SEEN_BEFORE)
    assert len(postman.events) == 1


def test_a_mail_without_an_id_is_known_by_what_copies_share(postman: Postman) -> None:
    """Date, sender, recipients and subject; the instant of arrival only where there is no date."""
    postman.bring(letter())
    again = postman.bring(letter(), at=MONDAY + HOUR)
    other = postman.bring(letter(Subject="Vatten"))
    undated = [postman.bring(letter(Date=""), at=at) for at in (MONDAY, MONDAY, MONDAY + HOUR)]

    assert again.left_out is LeftOut.SEEN_BEFORE
    assert other.left_out is None
    assert [told.left_out for told in undated] == [None, LeftOut.SEEN_BEFORE, None]


def test_a_form_that_gives_all_its_mails_one_id_loses_none(postman: Postman) -> None:
    """Copies share their date too; two questions do not. Answers are then matched by address."""
    first = postman.bring(letter("form"))
    block = letter("form", From=OTHER_CITIZEN, Date="Mon, 16 Nov 2026 10:00:00 +0100")
    second = postman.bring(block, at=MONDAY + HOUR)
    again = postman.bring(block, at=MONDAY + HOUR)
    reply = postman.bring(answer("a", "form", to=OTHER_CITIZEN), SENT, at=MONDAY + 2 * HOUR)

    assert second.notes == (Note.MESSAGE_ID_REUSED,)
    assert first.events[0].conversation != second.events[0].conversation
    assert again.left_out is LeftOut.SEEN_BEFORE
    assert reply.events[0].conversation == second.events[0].conversation


def test_a_chain_with_a_missing_link_is_one_conversation(postman: Postman) -> None:
    """Every id that a mail refers to leads to its conversation, seen or not."""
    postman.bring(letter("a"))
    postman.bring(letter("c", References=refs("a", "b")), at=MONDAY + HOUR)  # `b` is nowhere
    postman.bring(letter("d", In_Reply_To=refs("b")), at=MONDAY + DAY)
    postman.bring(answer("e", "d"), SENT, at=MONDAY + DAY + HOUR)

    assert len(postman.conversations) == 1


def test_a_changed_subject_changes_no_conversation(postman: Postman) -> None:
    """Subjects are edited; references are not."""
    postman.bring(letter("a"))
    postman.bring(answer("b", "a", Subject="Något helt annat"), SENT, at=MONDAY + HOUR)

    assert len(postman.conversations) == 1


def test_equal_subjects_join_nothing(postman: Postman) -> None:
    """Everybody writes "Bygglov"."""
    postman.bring(letter("a"))
    postman.bring(letter("b", From=OTHER_CITIZEN))

    assert len(postman.conversations) == 2


def test_exchange_finds_a_conversation_where_a_gateway_lost_the_references(
    postman: Postman,
) -> None:
    """Thread-Index is the last resort, for mails that refer to nothing."""
    thread = "Adi3Ck9VZ0pQ2kZ4R7u0m1YxJ3bVbw=="
    postman.bring(letter("a", Thread_Index=thread))
    lost = letter("b", From=ANNA, To=CITIZEN, Cc=KONTAKT, Thread_Index=thread)
    told = postman.bring(lost, at=MONDAY + HOUR)

    assert [type(event) for event in told.events] == [EmailSent]
    assert len(postman.conversations) == 1


def test_conversations_that_turn_out_to_be_one_are_answered_in_both(postman: Postman) -> None:
    """What was published stays; the answer stops every clock that runs."""
    postman.bring(letter("a"))
    postman.bring(letter("c", In_Reply_To=refs("b")), at=MONDAY + HOUR)
    told = postman.bring(answer("d", "a", "b", "c"), SENT, at=MONDAY + 2 * HOUR)
    later = postman.bring(letter("e", References=refs("c")), at=MONDAY + DAY)
    row = kpis(postman, until=MONDAY + DAY + HOUR)

    assert told.notes == (Note.CONVERSATION_SPLIT,)
    assert {event.conversation for event in told.events} == postman.conversations
    assert later.notes == ()
    assert later.events[0].conversation == postman.events[0].conversation
    assert (row["received"], row["full_answers"], row["open"]) == (3, 2, 1)


def test_a_forward_to_a_unit_stops_no_clock(postman: Postman) -> None:
    """The unit's name comes from the settings; an unknown colleague is `other`."""
    postman.bring(letter("q"))
    for number, to in enumerate((EXPERT, BYGG, ANNA)):
        postman.bring(answer(f"f{number}", "q", to=to), SENT, at=MONDAY + (number + 1) * HOUR)
    forwarded = [event for event in postman.events if isinstance(event, EmailForwarded)]

    assert [event.unit for event in forwarded] == ["vatten och avlopp", "bygglov", "other"]
    assert kpis(postman, until=MONDAY + DAY)["full_answers"] == 0


def test_a_forward_to_somebody_outside_is_no_answer(postman: Postman) -> None:
    """Its subject says that it is one, and whom it is for has not written."""
    postman.bring(letter("q"))
    forward = answer("f", "q", to="konsult@firma.example", Subject="VB: Bygglov")
    reply = answer("a", "q", Subject="VB: Bygglov")
    told = [postman.bring(block, SENT, at=MONDAY + HOUR) for block in (forward, reply)]

    assert [type(one.events[0]) for one in told] == [EmailForwarded, EmailSent]


def test_a_colleague_who_answers_with_a_copy_to_the_mailbox_answers(postman: Postman) -> None:
    """The copy in the inbox is the answer; the mailbox is the one where it was found."""
    postman.bring(letter("q"))
    postman.bring(answer("f", "q", to=ANNA), SENT, at=MONDAY + HOUR)
    copy = letter("a", From=ANNA, To=CITIZEN, Cc=KONTAKT, References=refs("q", "f"))
    told = postman.bring(copy, at=MONDAY + 2 * HOUR)
    row = kpis(postman, until=MONDAY + DAY)

    assert [type(event) for event in told.events] == [EmailSent]
    assert (row["received"], row["forwarded"], row["full_answers"], row["open"]) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("days", "headers", "expected"),
    [
        (1, {}, (Note.MATCHED_BY_RECIPIENT,)),
        (31, {}, LeftOut.UNMATCHED_OUTGOING),
        (1, {"To": OTHER_CITIZEN}, LeftOut.UNMATCHED_OUTGOING),
        (1, {"References": "<ticket-7@system.example>"}, (Note.MATCHED_BY_RECIPIENT,)),
        (1, {"To": ", ".join(f"m{n}@post.example" for n in range(20)) + f", {CITIZEN}"},
         LeftOut.UNMATCHED_OUTGOING),
    ],
)  # fmt: skip
def test_an_answer_without_references_is_matched_by_whom_it_is_for(
    postman: Postman, days: int, headers: dict[str, str], expected: LeftOut | tuple[Note, ...]
) -> None:
    """To the newest question of that citizen within the window; else it is counted."""
    postman.bring(letter("q"))
    block = letter("a", **{"From": ANNA, "To": CITIZEN, "Cc": KONTAKT} | headers)
    told = postman.bring(block, at=MONDAY + days * DAY)

    assert (told.left_out or told.notes) == expected


def test_of_two_questions_the_one_that_waits_is_matched(postman: Postman) -> None:
    """An answered question needs no other answer."""
    postman.bring(letter("old"))
    postman.bring(letter("new"), at=MONDAY + HOUR)
    postman.bring(answer("a1", "new"), SENT, at=MONDAY + 2 * HOUR)
    told = postman.bring(letter("a2", From=KONTAKT, To=CITIZEN), SENT, at=MONDAY + 3 * HOUR)

    assert told.events[0].conversation == postman.events[0].conversation


def test_spam_is_counted_and_closed_at_once(postman: Postman) -> None:
    """It is no question; and it closes nobody's, however it quotes."""
    postman.bring(letter("q"))
    told = postman.bring(letter("s", References=refs("q")), SPAM, at=MONDAY + HOUR)
    marked = postman.bring(letter("j"), at=MONDAY + HOUR, flags=("$Junk",))
    row = kpis(postman, until=MONDAY + DAY)

    assert [type(event) for event in told.events] == [EmailReceived, EmailClosed]
    assert [type(event) for event in marked.events] == [EmailReceived, EmailClosed]
    assert (row["received"], row["open"]) == (3, 1)


def test_a_mail_rescued_from_the_spam_folder_waits_from_then_on(postman: Postman) -> None:
    """It is no longer excluded; put back it is, and another rescue changes nothing."""
    first = postman.bring(letter("q"), SPAM, seen_at=MONDAY + MINUTE)
    rescued = postman.bring(letter("q"), seen_at=MONDAY + HOUR)
    received, revised = first.events[0], rescued.events[0]
    row = kpis(postman, until=MONDAY + 2 * HOUR)

    assert isinstance(received, EmailReceived)
    assert received.revision == 0
    assert revised == msgspec.structs.replace(received, revision=1, at=to_datetime(MONDAY + HOUR))
    assert (row["received"], row["excluded"], row["open"]) == (1, 0, 1)

    postman.bring(letter("q"), SPAM, seen_at=MONDAY + 3 * HOUR)
    again = postman.bring(letter("q"), seen_at=MONDAY + 4 * HOUR)
    row = kpis(postman, until=MONDAY + DAY)

    assert again.left_out is LeftOut.SEEN_BEFORE
    assert (row["received"], row["excluded"], row["open"]) == (1, 1, 0)


def test_a_rescued_mail_is_answered_in_its_conversation(postman: Postman) -> None:
    """Spam is kept apart from the mails it refers to; what is none is joined with them."""
    postman.bring(letter("q"), seen_at=MONDAY)
    postman.bring(letter("r", References=refs("q")), SPAM, at=MONDAY + HOUR, seen_at=MONDAY + HOUR)
    rescued = postman.bring(
        letter("r", References=refs("q")), at=MONDAY + HOUR, seen_at=MONDAY + 2 * HOUR
    )
    postman.bring(answer("a", "q"), SENT, at=MONDAY + 3 * HOUR)
    row = kpis(postman, until=MONDAY + DAY)

    assert rescued.notes == (Note.CONVERSATION_SPLIT,)
    assert (row["received"], row["full_answers"], row["open"]) == (2, 2, 0)


def test_a_rescued_mail_is_found_by_whom_an_answer_is_for(postman: Postman) -> None:
    """As every question is; spam is not."""
    postman.bring(letter("q"), SPAM, seen_at=MONDAY)
    unmatched = postman.bring(letter("a", From=KONTAKT, To=CITIZEN), SENT, at=MONDAY + MINUTE)
    postman.bring(letter("q"), seen_at=MONDAY + HOUR)
    matched = postman.bring(letter("b", From=KONTAKT, To=CITIZEN), SENT, at=MONDAY + 2 * HOUR)

    assert unmatched.left_out is LeftOut.UNMATCHED_OUTGOING
    assert matched.notes == (Note.MATCHED_BY_RECIPIENT,)
    assert kpis(postman, until=MONDAY + DAY)["open"] == 0


def test_what_was_answered_before_its_rescue_waits_no_more(postman: Postman) -> None:
    """Out of the spam folder, or while nobody looked: it waited from its arrival."""
    postman.bring(letter("q"), SPAM, seen_at=MONDAY + MINUTE)
    postman.bring(answer("a", "q"), SENT, at=MONDAY + HOUR)
    postman.bring(letter("q"), seen_at=MONDAY + DAY)
    row = kpis(postman, until=MONDAY + 2 * DAY)

    assert (row["received"], row["full_answers"], row["met"], row["open"]) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("folder", "more", "headers"),
    [
        pytest.param(TRASH, {"seen_at": MONDAY + HOUR}, {}, id="thrown away"),
        pytest.param(CLOSED, {"seen_at": MONDAY + HOUR}, {}, id="needs no reply"),
        pytest.param(
            INBOX, {"seen_at": MONDAY + HOUR, "flags": ("$Junk",)}, {}, id="still marked as spam"
        ),
        pytest.param(OTHER_INBOX, {"seen_at": MONDAY + HOUR}, {}, id="a copy to others"),
        pytest.param(INBOX, {"seen_at": MONDAY + HOUR}, {"List_Id": "<l.x>"}, id="a machine's"),
        pytest.param(INBOX, {}, {}, id="nobody knows when"),
    ],
)
def test_not_everything_that_leaves_the_spam_folder_is_rescued(
    postman: Postman, folder: Folder, more: dict[str, Any], headers: dict[str, str]
) -> None:
    """Only a question that its mailbox now has where it can wait, and was seen to be moved."""
    postman.bring(letter("q", **headers), SPAM, seen_at=MONDAY + MINUTE)
    told = postman.bring(letter("q", **headers), folder, **more)

    assert told == Told(left_out=LeftOut.SEEN_BEFORE)


@pytest.mark.parametrize("spam_came_first", [False, True])
def test_a_mail_that_lies_in_the_spam_folder_and_elsewhere_is_no_spam(
    postman: Postman, *, spam_came_first: bool
) -> None:
    """Whatever is read again; only a copy that is new in the spam folder closes it."""
    looks = [MONDAY + hours * HOUR for hours in range(1, 6)]
    if spam_came_first:
        postman.bring(letter("q"), SPAM, seen_at=MONDAY)
    postman.bring(letter("q"), seen_at=looks[0])
    if not spam_came_first:
        postman.bring(letter("q"), SPAM, seen_at=looks[0])
    told = list(postman.events)
    for folder in (INBOX, SPAM):
        postman.bring(letter("q"), folder, seen_at=looks[1], reread=True)
    postman.bring(letter("q"), SPAM, seen_at=looks[2], reread=True)
    before = kpis(postman, until=looks[4])

    assert postman.events == told
    assert (before["received"], before["open"]) == (1, 1)

    with Postman() as another:
        for folder in (INBOX, SPAM):
            another.bring(letter("q"), folder, seen_at=looks[3], reread=True)

        assert kpis(postman, another, until=looks[4]) == before
        assert kpis(another, postman, until=looks[4]) == before

    closed = postman.bring(letter("q"), SPAM, seen_at=looks[3])

    assert [type(event) for event in closed.events] == [EmailClosed]
    assert kpis(postman, until=looks[4])["open"] == 0


def test_an_archive_that_has_a_mail_in_both_places_has_no_spam_in_it(postman: Postman) -> None:
    """It is read as if all of it had been seen at once."""
    postman.bring(letter("q"))
    copy = postman.bring(letter("q"), SPAM)

    assert copy == Told(left_out=LeftOut.SEEN_BEFORE)


@pytest.mark.parametrize("moves", [(SPAM, INBOX), (SPAM, INBOX, SPAM)])
def test_a_rescue_outlives_the_memory_of_it(postman: Postman, moves: tuple[Folder, ...]) -> None:
    """A source that begins anew sees only where the mail is now, and changes nothing."""
    for hours, folder in enumerate(moves):
        postman.bring(letter("q"), folder, seen_at=MONDAY + hours * HOUR)
    before = kpis(postman, until=MONDAY + 2 * DAY)
    with Postman() as another:
        another.bring(letter("q"), moves[-1], seen_at=MONDAY + DAY, reread=True)

        assert kpis(postman, another, until=MONDAY + 2 * DAY) == before


def test_a_rescue_lies_after_its_closing_whatever_the_clocks_say(postman: Postman) -> None:
    """A mail server that is ahead tells of arrivals that are yet to come."""
    ahead = MONDAY + HOUR
    for folder in (SPAM, INBOX):
        postman.bring(letter("q"), folder, at=ahead, seen_at=MONDAY)
    is_open = kpis(postman, until=MONDAY + DAY)["open"]
    postman.bring(letter("q"), SPAM, at=ahead, seen_at=MONDAY + MINUTE)

    assert is_open == 1
    assert kpis(postman, until=MONDAY + DAY)["open"] == 0


def test_a_rescue_waits_for_the_end_of_the_look(postman: Postman) -> None:
    """Only then is known whether it was answered."""
    postman.bring(letter("q"), SPAM, seen_at=MONDAY)
    early = postman.bring(letter("q"), seen_at=MONDAY + HOUR, at_last=False)
    late = postman.bring(letter("q"), seen_at=MONDAY + HOUR)

    assert early == Told(is_rescue=True)
    assert len(late.events) == 1


def test_a_mail_put_away_is_closed_when_it_was_found_there(postman: Postman) -> None:
    """Once, with the folder's reason; a mail first seen there was closed when it came."""
    postman.bring(letter("q"))
    put_away = postman.bring(letter("q"), CLOSED, seen_at=MONDAY + HOUR)
    again = postman.bring(letter("q"), CLOSED, seen_at=MONDAY + DAY)
    first_seen = postman.bring(letter("p", From=OTHER_CITIZEN), CLOSED, seen_at=MONDAY + DAY)

    assert [(event.at, event.reason) for event in put_away.events] == [  # type: ignore[union-attr]
        (to_datetime(MONDAY + HOUR), "no_reply_needed")
    ]
    assert again.left_out is LeftOut.SEEN_BEFORE
    assert [from_datetime(event.at) for event in first_seen.events] == [MONDAY, MONDAY]


def test_an_automatic_mail_put_away_closes_no_question(postman: Postman) -> None:
    """The citizen's out-of-office note is filed; the question still waits."""
    postman.bring(letter("q"))
    note = letter("n", Subject="Autosvar: Bygglov", References=refs("q"))
    postman.bring(note, at=MONDAY + HOUR)
    told = postman.bring(note, CLOSED, at=MONDAY + HOUR, seen_at=MONDAY + 2 * HOUR)

    assert told.left_out is LeftOut.SEEN_BEFORE


def test_the_kpis_are_as_the_story_tells(postman: Postman) -> None:
    """Answered in time; held, then answered late; a thank-you put away; never answered."""
    postman.bring(letter("a"))
    postman.bring(answer("ack-a", "a"), SENT, at=MONDAY + SECOND)
    postman.bring(answer("a2", "a"), SENT, at=MONDAY + 3 * HOUR)
    postman.bring(letter("b", From=OTHER_CITIZEN))
    postman.bring(
        answer("b2", "b", to=OTHER_CITIZEN, Subject="[handläggs]"), SENT, at=MONDAY + HOUR
    )
    postman.bring(letter("tack", References=refs("a", "a2")), at=MONDAY + 4 * HOUR)
    thanks = letter("tack", References=refs("a", "a2"))
    postman.bring(thanks, CLOSED, at=MONDAY + 4 * HOUR, seen_at=MONDAY + DAY)
    postman.bring(letter("c", From="tredje@post.example"), at=MONDAY + 5 * HOUR)
    postman.bring(letter("oof", Subject="Automatiskt svar: SV"), at=MONDAY + 5 * HOUR)
    postman.bring(answer("b3", "b", "b2", to=OTHER_CITIZEN), SENT, at=MONDAY + 4 * DAY)
    row = kpis(postman, until=MONDAY + 4 * DAY + MINUTE)

    assert (row["received"], row["automatic"], row["reminders"]) == (4, 1, 0)
    assert (row["first_replies"], row["full_answers"]) == (2, 2)
    assert (row["met"], row["missed"], row["excluded"]) == (1, 2, 1)
    assert row["open"] == 1
