"""The file format: what is written reads back, what is wrong is one sentence with file and object."""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from physalia.placement.errors import BadTopology, PlacementError
from physalia.placement.site import format as topology_format
from physalia.placement.site.generate import Fabric, generate
from tests.physalia.placement.sites import small_site, topology_of

SCHEMA = json.loads((Path(__file__).parents[4] / "docs" / "topology.schema.json").read_text(encoding="utf-8"))
Site = dict[str, Any]


def accepted_by_schema(site: object) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(site))


def put(*path: Any, value: Any) -> Callable[[Site], None]:
    """A change that puts a value at a path."""

    def change(site: Site) -> None:
        at: Any = site
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return change


def drop(*path: Any) -> Callable[[Site], None]:
    def change(site: Site) -> None:
        at: Any = site
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]

    return change


def add(key: str, entry: Any) -> Callable[[Site], None]:
    return lambda site: site[key].append(entry)


def copy_entry(key: str, at: int) -> Callable[[Site], None]:
    return lambda site: site[key].append(copy.deepcopy(site[key][at]))


# What is wrong, whether the schema can say so too, and what the sentence must say.
BAD: list[tuple[str, Callable[[Site], None], bool, str]] = [
    ("rack without power", put("racks", 0, "supplies", value=[]), True, "rack rack-1 has no supplies"),
    ("rack without the key", drop("racks", 0, "supplies"), True, r"racks\[0\] \(rack-1\).*supplies"),
    ("two racks of one name", copy_entry("racks", 1), False, "two racks are named rack-2"),
    ("two servers of one name", copy_entry("servers", 0), False, "two servers are named server-1a"),
    ("two rows of one name", add("rows", "row-1"), True, "two rows are named row-1"),
    ("two cells of one name", copy_entry("cells", 0), False, "two cells are named cell-1"),
    ("two links of one name", copy_entry("links", 0), False, "two links are named tor-1--agg-1"),
    ("a link named like a rack", put("links", 6, "name", value="rack-1"), False, "a rack and a link.*rack-1"),
    ("a link named like a server's", put("links", 6, "name", value="server-1a--x"), False, "server-1a--x.*server's"),
    ("a link without a name", put("links", 6, "name", value=""), True, "agg-2 and core-1 has an empty name"),
    ("a server named like a switch", put("servers", 0, "name", value="tor-1"), False, "a switch and a server.*tor-1"),
    ("an empty name", put("servers", 0, "name", value=""), True, "a server has an empty name"),
    ("a space at an end", put("servers", 0, "name", value="s-1 "), True, "server s-1 : .* begin or end with a space"),
    ("two ways to write é", put("racks", 0, "name", value="cafe\u0301"), False, "rack cafe.: .* normal form NFC"),
    ("a space before a link", put("links", 6, "name", value=" x"), True, "link  x: .* not begin or end with a space"),
    ("a joint in a name", put("servers", 0, "name", value="a--b"), True, "server a--b.*may not hold --"),
    (
        "what stands between keys",
        put("racks", 0, "name", value="R & D"),
        True,
        "rack R & D: a name may not hold & between",
    ),
    (
        "what stands between keys, in a link",
        put("links", 6, "name", value="a & b"),
        False,
        "link a & b: a name may not",
    ),
    ("a hyphen before a name", put("servers", 0, "name", value="-a"), True, "server -a: .* nor begin or end with -"),
    (
        "a hyphen after a name",
        put("switches", 0, "name", value="tor-"),
        True,
        "switch tor-: .* nor begin or end with -",
    ),
    ("a hyphen as a name", put("racks", 0, "name", value="-"), True, "rack -: .* nor begin or end with -"),
    (
        "half of what stands between keys",
        put("racks", 0, "name", value="R &"),
        True,
        "rack R &: a name may not hold & ",
    ),
    ("the other half", put("racks", 0, "name", value="& D"), True, "rack & D: a name may not hold & between"),
    (
        "a trunk named like a link between others",
        put("links", 6, "name", value="tor-1--core-1"),
        False,
        "link tor-1--core-1 leads between agg-2 and core-1, not where its name says",
    ),
    (
        "too large a number",
        put("servers", 0, "capacity", value=10**100),
        False,
        "server-1a has a capacity .* 100 digits",
    ),
    ("a line break in a name", put("servers", 0, "name", value="a\nb"), True, r"server a\\nb: a name may hold only"),
    ("a line break in a reference", put("racks", 0, "row", value="a\nb"), True, r"stands in row a\\nb, which"),
    ("a line break in a link's name", put("links", 6, "name", value="a\nb"), True, r"link a\\nb: a name may hold"),
    ("a line break in the site's name", put("name", value="a\nb"), True, r"name, a\\nb, holds characters"),
    ("a colour that cannot be seen", put("servers", 0, "color", value="\x1b"), True, r"has the color \\x1b, which"),
    (
        "a plus in the name of a PDU",
        put("power", 4, "name", value="a+b"),
        True,
        r"power element a\+b: .* may not hold \+",
    ),
    ("cable to nowhere", put("links", 0, "ends", value=["tor-1", "agg-9"]), False, "tor-1--agg-9 ends at agg-9"),
    ("cable to itself", put("links", 0, "ends", value=["tor-1", "tor-1"]), True, "tor-1--tor-1.*to itself"),
    ("cable with three ends", put("links", 0, "ends", value=["tor-1", "agg-1", "agg-2"]), True, r"links\[0\].*ends"),
    ("cable to a server", put("links", 0, "ends", value=["tor-1", "server-1a"]), False, "ends at server server-1a"),
    ("a circle of power", put("power", 2, "supplies", value=["pdu-a1"]), False, "ups-a <- pdu-a1 <- ups-a supply each"),
    ("power from itself", put("power", 2, "supplies", value=["ups-a"]), False, "ups-a <- ups-a supply each other"),
    ("power from nowhere", put("power", 2, "supplies", value=["feed-z"]), False, "ups ups-a is supplied by feed-z"),
    ("a UPS without supplies", drop("power", 2, "supplies"), True, "ups ups-a has no supplies"),
    ("a feed with supplies", put("power", 0, "supplies", value=["feed-b"]), True, "feed feed-a has supplies"),
    ("a supply twice", put("racks", 0, "supplies", value=["pdu-a1"] * 2), True, "rack-1 names the supply pdu-a1 twice"),
    ("an unknown kind of power", put("power", 0, "kind", value="dynamo"), True, r"power\[0\] \(feed-a\).*dynamo"),
    ("rack in no row", put("racks", 0, "row", value="row-9"), False, "rack rack-1 stands in row row-9"),
    ("rack on no power", put("racks", 0, "supplies", value=["row-1"]), False, "rack rack-1 is supplied by row-1"),
    ("switch in no rack", put("switches", 0, "rack", value="rack-9"), False, "switch tor-1 stands in rack rack-9"),
    ("switch with two powers", put("switches", 0, "supplies", value=["ups-a"]), True, "switch tor-1.*no supplies"),
    ("an unknown tier", put("switches", 0, "tier", value="spine"), True, r"switches\[0\] \(tor-1\).*spine"),
    ("server in no rack", put("servers", 0, "rack", value="rack-9"), False, "server server-1a stands in rack rack-9"),
    ("server on no switch", put("servers", 0, "switches", value=[]), True, "server server-1a has a link to no switch"),
    ("server on nothing", put("servers", 0, "switches", value=["rack-1"]), False, "link to rack-1, which is no switch"),
    (
        "the last server on nothing",
        put("servers", 7, "switches", value=["x"]),
        False,
        "server-4b has a link to x, which",
    ),
    ("server on a core", put("servers", 0, "switches", value=["core-1"]), False, "server-1a.*core-1.*tier core"),
    ("a switch twice", put("servers", 0, "switches", value=["tor-1"] * 2), True, "names the switch tor-1 twice"),
    ("negative capacity", put("servers", 0, "capacity", value=-1), True, "server-1a has the negative capacity -1"),
    ("negative nodes", put("servers", 0, "nodes", value=-1), True, "server-1a holds a negative number of nodes"),
    ("a fraction of a node", put("servers", 0, "nodes", value=0.5), True, r"servers\[0\] \(server-1a\).*nodes"),
    ("true as capacity", put("servers", 0, "capacity", value=True), True, r"servers\[0\] \(server-1a\).*capacity"),
    ("an empty color", put("servers", 0, "color", value=""), True, "server server-1a has an empty color"),
    ("a color that ends in a space", put("servers", 0, "color", value="blue "), False, "may not begin or end with a"),
    ("a color in another form", put("servers", 0, "color", value="gre\u0301e"), False, "in Unicode's normal form NFC"),
    ("a blank color", put("servers", 0, "color", value=" "), True, "server server-1a has an empty color"),
    ("a cell on nothing", put("cells", 0, "servers", value=["tor-1"]), False, "cell cell-1 has a node on tor-1"),
    ("a cell twice on one", put("cells", 0, "servers", value=["server-1a"] * 2), True, "the server server-1a twice"),
    ("more cells than nodes", put("servers", 0, "nodes", value=0), False, "server-1a holds nodes of 1 cells"),
    ("probability above 1", put("failure_probability", "kinds", "switch", value=1.5), True, "kind switch is 1.5"),
    ("probability below 0", put("failure_probability", "devices", "tor-1", value=-0.1), True, "of tor-1 is -0.1"),
    ("probability of no kind", put("failure_probability", "kinds", "cable", value=0.1), True, "cable"),
    ("probability of nothing", put("failure_probability", "devices", "tor-9", value=0.1), False, "no device tor-9"),
    ("an unknown key", put("racks", 0, "height", value=42), True, r"racks\[0\] \(rack-1\).*height"),
    ("an unknown list", put("cables", value=[]), True, "cables"),
    ("a missing list", drop("servers"), True, "servers"),
    ("another version", put("schema_version", value=2), True, "schema_version is 2"),
    ("no list at all", put("racks", value={}), True, "racks: "),
    ("no object", put("racks", 0, value="rack-1"), True, r"racks\[0\]: "),
]


@pytest.mark.parametrize(("change", "says"), [pytest.param(c, says, id=name) for name, c, _, says in BAD])
def test_bad_input_is_one_sentence_with_file_and_object(change: Callable[[Site], None], says: str) -> None:
    site = small_site()
    change(site)
    with pytest.raises(BadTopology, match=says) as caught:
        topology_of(site, "folder/site.json")
    sentence = str(caught.value)
    assert sentence.startswith("folder/site.json: ")
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    assert "\n" not in sentence


@pytest.mark.parametrize(("change", "seen"), [pytest.param(c, seen, id=name) for name, c, seen, _ in BAD])
def test_the_schema_refuses_what_a_schema_can_see(change: Callable[[Site], None], *, seen: bool) -> None:
    site = small_site()
    change(site)
    assert accepted_by_schema(site) is not seen


def test_the_schema_accepts_the_small_site_as_given_and_as_written() -> None:
    assert accepted_by_schema(small_site())
    assert accepted_by_schema(json.loads(topology_format.dumps(topology_of(small_site()))))


def test_what_is_written_reads_back_equal(tmp_path: Path) -> None:
    topology = topology_of(small_site())
    path = tmp_path / "site.json"
    topology_format.write(topology, path)
    assert topology_format.read(path) == topology
    assert topology_format.dumps(topology_format.read(path)) == path.read_bytes()


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "site.json"
    path.write_text(json.dumps(small_site(), indent=2), encoding="utf-8")
    topology = topology_format.read(path)
    assert topology_format.digest(topology) == hashlib.sha256(path.read_bytes()).hexdigest()
    topology_format.write(topology, path)
    again = topology_format.read(path)
    assert again == topology
    assert (
        topology_format.digest(again)
        == hashlib.sha256(path.read_bytes()).hexdigest()
        != topology_format.digest(topology)
    )


def test_a_topology_made_in_memory_has_the_digest_of_the_file_that_it_would_be() -> None:
    made = generate(Fabric(servers=50))
    read = topology_format.loads(topology_format.dumps(made), "file")
    assert topology_format.digest(made) == topology_format.digest(read)
    assert topology_format.to_document(made) == json.loads(topology_format.dumps(made))


def test_defaults_are_left_out_in_writing() -> None:
    written = json.loads(topology_format.dumps(topology_of(small_site())))
    assert written == small_site()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"rows = 1",
        b"\xff\xfe",
        b"[]",
        b'"text"',
        b"null",
        b'{"name": "\xff"}',
        b"[" * 200_000,
        b'{"servers": [{"capacity": ' + b"9" * 5000,
    ],
)
def test_what_is_no_topology_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(BadTopology, match=r"^site\.json: .*[^.]\.$"):
        topology_format.loads(content, "site.json")


@pytest.mark.parametrize(
    ("once", "twice", "says"),
    [
        ('{"name": "tor-1"', '{"name": "tor-1", "name": "tor-9"', r"an object \(tor-1\) has the key name twice"),
        (
            '"ends": ["agg-2", "core-1"]',
            '"ends": ["agg-1", "core-1"], "ends": ["agg-2", "core-1"]',
            "an object has the key ends twice",
        ),
        (
            '{"schema_version": 1',
            '{"schema_version": 1, "schema_version": 1',
            r"an object \(small\) has the key schema_version twice",
        ),
        ('{"switch": 0.25', '{"switch": 0.5, "switch": 0.25', "an object has the key switch twice"),
        ('{"switch": 0.25', '{"switch" : 0.5, "switch" :0.25', "an object has the key switch twice"),
        ('{"switch": 0.25', '{"sw\\u0069tch": 0.5, "switch": 0.25', "an object has the key switch twice"),
        ('"nodes": 1', '"nodes": 1, "nodes": 1', r"an object \(server-1a\) has the key nodes twice"),
    ],
)
def test_a_key_that_stands_twice_is_refused_wherever_it_stands(once: str, twice: str, says: str) -> None:
    """Whoever reads the other of the two values reads another topology."""
    whole = json.dumps(small_site())
    assert once in whole
    with pytest.raises(BadTopology, match=f"^site.json: {says}"):
        topology_format.loads(whole.replace(once, twice, 1).encode(), "site.json")


def test_a_large_file_is_not_read_twice_for_the_sake_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where as many keys stand as are needed none is there twice, so not every object is looked at."""
    looked: list[bytes] = []

    def loads(content: bytes, **_hooks: Any) -> None:
        looked.append(content)

    monkeypatch.setattr(json, "loads", loads)
    content = topology_format.dumps(generate(Fabric(servers=60, cells=3)))
    topology_format.loads(content, "site.json")
    assert not looked
    topology_format.loads(content.replace(b'"name":', b'"name" :', 1), "site.json")
    assert len(looked) == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlacementError, match=r"nowhere\.json: the topology cannot be read: No such file"):
        topology_format.read(tmp_path / "nowhere.json")
    with pytest.raises(PlacementError, match="cannot be written"):
        topology_format.write(topology_of(small_site()), tmp_path / "no folder" / "site.json")
