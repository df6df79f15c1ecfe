"""What processes say: one encoding of each, one error for everything else, and a limit that is crossed."""

from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from physalia.model import (
    Ask,
    Bundle,
    Cap,
    Carry,
    Create,
    Decline,
    DeclineReason,
    Denied,
    Elsewhere,
    Envelope,
    Find,
    Founding,
    Granted,
    House,
    Inspect,
    Inspected,
    Item,
    Join,
    Jury,
    Look,
    Moved,
    Origin,
    Pace,
    Page,
    Ping,
    Pong,
    Push,
    Refused,
    Release,
    Reply,
    Request,
    Scan,
    Scanned,
    ScannedAt,
    Seek,
    Seen,
    Token,
    Traffic,
    Verdict,
    Volume,
    Where,
    Whereabouts,
)
from physalia.wire import (
    CodecError,
    bundles,
    decode_traffic,
    decode_verdict,
    encode_traffic,
    encode_verdict,
)
from physalia.wire.limits import MAX_BUNDLED, MAX_ENCODED_BYTES, MAX_MEMBERS, MAX_PUSHED
from physalia.wire.traffic import CONTENT
from tests.physalia.wire.test_codec import COUNTS, MESSAGES, SLOTS, TEXTS

REASONS = get_args(DeclineReason)
KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
ITEMS = st.builds(Item, st.binary(max_size=8) | st.integers() | st.booleans(), SLOTS)
TOKENS = st.builds(Token, COUNTS, KEYS | st.just(""))
MEMBERS = st.dictionaries(SLOTS, SLOTS, min_size=1, max_size=4)
FOUNDINGS = MEMBERS.flatmap(
    lambda nodes: st.builds(
        Founding, SLOTS, SLOTS, SLOTS, st.just(tuple(sorted(nodes.items()))), st.just(frozenset(nodes))
    )
)
WHEREABOUTS = st.builds(
    Whereabouts,
    SLOTS,
    SLOTS,
    COUNTS,
    st.dictionaries(SLOTS, TEXTS, max_size=4).map(lambda members: tuple(sorted(members.items()))),
)
HOMES = MEMBERS.map(lambda nodes: tuple(sorted(nodes.items())))
ENVELOPES = st.builds(Envelope, st.builds(Origin, SLOTS, SLOTS, SLOTS), SLOTS, MESSAGES)
PAGES = st.builds(Page, st.lists(st.tuples(KEYS, ITEMS), max_size=3).map(tuple), st.none() | TOKENS) | st.just(
    Refused("scan expired", size=7)
)
TRAFFIC = st.one_of(
    st.builds(Carry, ENVELOPES),
    st.builds(Bundle, st.lists(ENVELOPES, max_size=3).map(tuple)),
    st.builds(Ping, COUNTS),
    st.builds(Pong, COUNTS),
    st.builds(Request, COUNTS, SLOTS, st.binary(max_size=60)),
    st.builds(Reply, COUNTS, st.binary(max_size=60)),
    st.builds(Decline, COUNTS, st.sampled_from(REASONS), TEXTS),
    st.builds(Look, COUNTS, SLOTS, COUNTS, st.lists(KEYS, max_size=3).map(tuple), st.booleans()),
    st.builds(Seen, COUNTS, COUNTS, st.lists(st.none() | ITEMS, max_size=3).map(tuple)),
    st.builds(Scan, COUNTS, SLOTS, COUNTS, KEYS | st.just(""), COUNTS, st.none() | TOKENS, st.booleans()),
    st.builds(Scanned, COUNTS, PAGES),
    st.builds(ScannedAt, COUNTS, PAGES, COUNTS),
    st.builds(Create, COUNTS, FOUNDINGS, st.binary(min_size=8, max_size=8)),
    st.builds(Cap, COUNTS, COUNTS),
    st.builds(Pace, COUNTS, COUNTS),
    st.builds(Granted, COUNTS),
    st.builds(Denied, COUNTS, TEXTS),
    st.builds(Push, st.lists(WHEREABOUTS, max_size=3).map(tuple)),
    st.builds(Find, COUNTS, SLOTS),
    st.builds(Where, COUNTS, st.none() | WHEREABOUTS),
    st.builds(Join, COUNTS, FOUNDINGS, SLOTS, st.binary(min_size=8, max_size=8), HOMES),
    st.builds(House, COUNTS, SLOTS, SLOTS, HOMES),
    st.builds(Release, COUNTS, SLOTS, SLOTS, SLOTS),
    st.builds(Inspect, COUNTS, SLOTS),
    st.builds(Inspected, COUNTS, st.binary(max_size=60)),
    st.builds(Seek, SLOTS, SLOTS, SLOTS),
    st.builds(Moved, SLOTS, SLOTS, COUNTS, MEMBERS.map(lambda nodes: tuple(sorted(nodes))), HOMES),
    st.builds(Elsewhere, COUNTS, WHEREABOUTS),
)
VERDICTS = st.builds(
    Verdict,
    st.booleans(),
    st.one_of(
        st.builds(Volume, COUNTS, TEXTS, TEXTS),
        st.builds(Jury, COUNTS, st.frozensets(SLOTS, min_size=1, max_size=MAX_MEMBERS)),
    ),
)
FORMATS: list[tuple[st.SearchStrategy[Any], Callable[[Any], bytes], Callable[[bytes], Any]]] = [
    (TRAFFIC, encode_traffic, decode_traffic),
    (VERDICTS, encode_verdict, decode_verdict),
]


def test_every_kind_of_traffic_is_tried() -> None:
    """A kind that is added is added here too: the strategy builds each of them."""
    tried = {branch.wrapped_strategy.target for branch in TRAFFIC.original_strategies}  # type: ignore[attr-defined]
    assert tried == set(get_args(Traffic))


@given(st.sampled_from(FORMATS).flatmap(lambda each: st.tuples(st.just(each), each[0])))
def test_what_is_said_is_heard(case: tuple[Any, Any]) -> None:
    (_, encode, decode), value = case
    assert decode(encode(value)) == value


@given(st.sampled_from(FORMATS).flatmap(lambda each: st.tuples(st.just(each), each[0])), st.data())
def test_changed_bytes_are_another_value_or_an_error(case: tuple[Any, Any], data: st.DataObject) -> None:
    (_, encode, decode), value = case
    changed = bytearray(encode(value))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = decode(bytes(changed))
    except CodecError:
        return
    assert other != value
    assert encode(other) == changed


@pytest.mark.parametrize(
    ("decode", "plain"),
    [
        (decode_traffic, [15, 1]),
        (decode_traffic, [7, 1]),
        (decode_traffic, [7, [[1]]]),
        (decode_traffic, [2, -1]),
        (decode_traffic, [2, True]),
        (decode_traffic, [4, 1, 0, b""]),
        (decode_traffic, [4, 1, 1, "text"]),
        (decode_traffic, [6, 1, len(REASONS), ""]),
        (decode_traffic, [6, 1, "busy", ""]),
        (decode_traffic, [6, 1, -1, ""]),
        (decode_verdict, [1, [1, 0, "a", "b"]]),
        (decode_verdict, [True, [3, 0, "a", "b"]]),
        (decode_verdict, [True, [2, 0, []]]),
    ],
)
def test_what_nobody_says_is_refused(decode: Callable[[bytes], Any], plain: object) -> None:
    with pytest.raises(CodecError):
        decode(msgspec.msgpack.encode(plain))


def test_a_reason_that_is_none_is_not_encoded() -> None:
    with pytest.raises(CodecError, match="reasons"):
        encode_traffic(Decline(1, "bored", ""))  # type: ignore[arg-type]


def test_the_longest_content_passes_and_no_longer_one() -> None:
    longest = Request(2**63 - 1, 2**63 - 1, bytes(CONTENT.limit))
    assert len(encode_traffic(longest)) <= MAX_ENCODED_BYTES
    assert decode_traffic(encode_traffic(longest)) == longest
    with pytest.raises(CodecError, match="at most"):
        encode_traffic(Request(1, 1, bytes(CONTENT.limit + 1)))


@pytest.mark.parametrize("count", [1, 15, 16, MAX_BUNDLED])
def test_envelopes_put_together_are_what_the_codec_makes_of_all_of_them(count: int) -> None:
    envelopes = tuple(Envelope(Origin(1, 2, 3), 4, Ask(place)) for place in range(count))
    assert bundles(envelopes, MAX_ENCODED_BYTES) == [(encode_traffic(Bundle(envelopes)), count)]


@pytest.mark.parametrize("count", [1, 2, 7, 100, MAX_BUNDLED + 1])
@pytest.mark.parametrize("most_bytes", [1, 40, 100, MAX_ENCODED_BYTES])
def test_what_is_too_long_for_one_bundle_is_in_several_in_its_order(count: int, most_bytes: int) -> None:
    envelopes = [Envelope(Origin(1, 2, 3), 4, Ask(place)) for place in range(count)]
    said = bundles(envelopes, most_bytes)
    assert all(len(data) <= most_bytes or of == 1 for data, of in said)
    heard = [decode_traffic(data) for data, _ in said]
    assert [len(each.envelopes) for each in heard if isinstance(each, Bundle)] == [of for _, of in said]
    assert [one for each in heard if isinstance(each, Bundle) for one in each.envelopes] == envelopes


def test_a_bundle_holds_nothing_that_is_beyond_a_limit() -> None:
    good, bad = (Envelope(Origin(1, 2, 3), 4, Ask(prefix)) for prefix in (0, -1))
    with pytest.raises(CodecError):
        bundles([good, bad], MAX_ENCODED_BYTES)


def test_no_longer_bundle_is_said_or_heard() -> None:
    one = Envelope(Origin(1, 2, 3), 4, Ask(0))
    with pytest.raises(CodecError, match="at most"):
        encode_traffic(Bundle((one,) * (MAX_BUNDLED + 1)))
    with pytest.raises(CodecError, match="at most"):
        decode_traffic(msgspec.msgpack.encode([7, [[[1, 2, 3], 4, [6, 0]]] * (MAX_BUNDLED + 1)]))


def test_a_cache_is_told_of_so_many_cells_at_once_and_no_more() -> None:
    most = Push((Whereabouts(1, 1, 1, ((1, "127.0.0.1:7400"),)),) * MAX_PUSHED)
    assert decode_traffic(encode_traffic(most)) == most
    with pytest.raises(CodecError, match="at most"):
        encode_traffic(Push((*most.entries, most.entries[0])))
