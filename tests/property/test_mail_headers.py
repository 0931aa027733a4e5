"""Whatever bytes a mail is made of, it is read or refused, and read alike in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.codec import decode_event, encode_event
from streams.instants import HOUR
from streams.parsers.mail.folders import Folder, Role
from streams.parsers.mail.headers import FIELDS, MailError, Unreadable, read_headers
from tests.letters import BYGG, CITIZEN, FORM, KONTAKT, MONDAY, SENT, Postman, letter, refs

if TYPE_CHECKING:
    from random import Random

    from streams.parsers.mail.correspondence import Told

CASES = 1_000

PIECES = st.sampled_from(
    [
        b"<", b">", b"@", b"(", b")", b";", b":", b",", b'"', b"\\", b"\r\n ", b"\n\t", b"\r",
        b"=?", b"?=", b"=?utf-8?q?", b"=?utf-8?b?", b"=?iso-2022-jp?b?", b"=?x?z?", b"\x00",
        b"\xff\xfe", b"auto-replied", b"no", b"<a@b.example>", b"a@b.example",
        b"undisclosed-recipients:;",
        b"Mon, 16 Nov 2026 09:00:00 +0100", b"-0000", b"99999999999999999999", b"multipart/report",
        KONTAKT.encode(), BYGG.encode(), CITIZEN.encode(), FORM.encode(),
        "å\u202e\U0001f600".encode(),
    ]
)  # fmt: skip
VALUES = st.lists(PIECES | st.binary(max_size=12), max_size=8).map(b"".join)
NAMES = st.sampled_from([name.encode() for name in FIELDS]) | st.binary(max_size=8)
LINES = st.tuples(NAMES, st.sampled_from([b":", b": ", b" : ", b""]), VALUES).map(b"".join)
BLOCKS = st.lists(LINES, max_size=12).map(b"\r\n".join) | st.binary(max_size=300)
FOLDERS = st.builds(
    Folder,
    st.sampled_from(["kontakt", "bygglov"]),
    st.sampled_from([role for role in Role if role is not Role.CLOSED]),
) | st.just(Folder("kontakt", Role.CLOSED, "no_reply_needed"))


def refusal_of(block: bytes) -> Unreadable | None:
    """Why a header block is refused; any other exception is a fault."""
    try:
        read_headers(block)
    except MailError as error:
        return error.reason
    return None


@settings(max_examples=CASES // 2)
@given(st.lists(st.tuples(BLOCKS, FOLDERS, st.integers(0, 48)), max_size=4))
def test_any_bytes_become_events_or_a_reason(mails: list[tuple[bytes, Folder, int]]) -> None:
    """No mail stops a source, and what it tells can be sent."""
    with Postman() as postman:
        for block, folder, hours in mails:
            refusal = refusal_of(block)
            if refusal is not None:
                assert refusal in Unreadable
                continue
            told = postman.bring(block, folder, at=MONDAY + hours * HOUR)

            assert (told.left_out is None) == bool(told.events)
            for event in told.events:
                assert decode_event(encode_event(event)) == event


@settings(max_examples=CASES)
@given(BLOCKS)
def test_any_header_block_is_read_or_refused(block: bytes) -> None:
    """It is read the same twice, or refused with a reason from the list."""
    refusal = refusal_of(block)

    assert (refusal in Unreadable) if refusal else read_headers(block) == read_headers(block)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_whole_chains_are_the_same_conversations_in_any_order(
    answers_to: list[tuple[int, bool]], dice: Random
) -> None:
    """A mail that names all its ancestors is placed alike, whatever was read before it.

    Each conversation has a citizen of its own: answers to mails that nobody has seen are matched by
    whom they are for, and that depends on what was read before.
    """
    chains: list[tuple[str, ...]] = []
    blocks: list[tuple[bytes, bool]] = []
    for number, (parent, is_ours) in enumerate(answers_to):
        name = f"m{number}"
        ancestors = chains[parent] if parent < len(chains) else ()
        chains.append((*ancestors, name))
        sent = is_ours and bool(ancestors)
        citizen = f"{chains[-1][0]}@post.example"
        headers = {"From": KONTAKT, "To": citizen} if sent else {"From": citizen}
        blocks.append((letter(name, References=refs(*ancestors), **headers), sent))

    def conversations(order: list[int]) -> dict[int, str]:
        with Postman() as postman:
            told: dict[int, Told] = {
                number: postman.bring(
                    blocks[number][0],
                    *([SENT] if blocks[number][1] else []),
                    at=MONDAY + number * HOUR,
                )
                for number in order
            }
        return {number: told[number].events[0].conversation for number in sorted(told)}

    shuffled = list(range(len(blocks)))
    dice.shuffle(shuffled)
    found = conversations(shuffled)

    assert found == conversations(list(range(len(blocks))))
    for number, chain in enumerate(chains):
        root = int(chain[0][1:])
        assert found[number] == found[root]
    assert len(set(found.values())) == len({chain[0] for chain in chains})
