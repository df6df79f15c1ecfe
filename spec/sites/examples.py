"""The sites of the models of `tla/BlastRadius.tla`, written down a second time, and those models."""

from attrs import evolve

from spec.sites.blast_radius import BlastRadius
from spec.sites.site import Device, Failure, Site, Standing


def feed() -> Device:
    """A feed has no supplies."""
    return Device("feed")


def pdu(*supplies: str) -> Device:
    """A power distribution unit."""
    return Device("pdu", frozenset(supplies))


def rack(row: str, *supplies: str) -> Device:
    """A rack of a row."""
    return Device("rack", frozenset(supplies), row=row)


def top(rack: str) -> Device:
    """A top-of-rack switch."""
    return Device("switch", frozenset({rack}), tier="rack")


def aggregation(*supplies: str) -> Device:
    """An aggregation switch."""
    return Device("switch", frozenset(supplies), tier="aggregation")


def core(*supplies: str) -> Device:
    """A core switch."""
    return Device("switch", frozenset(supplies), tier="core")


def site(servers: dict[str, str], devices: dict[str, Device], links: str) -> Site:
    """Servers as `rack switch...`, links as `one-other` with spaces between them."""
    standing = (Standing(name, where.split()[0], frozenset(where.split()[1:])) for name, where in servers.items())
    pairs = (link.split("-") for link in links.split())
    return Site(servers=tuple(standing), devices=devices, links=frozenset((one, other) for one, other in pairs))


SINGLE_FED = site(
    {
        "i": "ra ta", "p": "rb tb", "r": "rc tc", "n1": "ra ta", "n2": "rb tb", "n3": "rc tc", "n4": "rc tc",
        "d1": "rd td", "d2": "re te",
    },
    {
        "fa": feed(), "fb": feed(), "fc": feed(), "fd": feed(),
        "ra": rack("row1", "fa"), "rb": rack("row1", "fb"), "rc": rack("row1", "fc"), "rd": rack("row2", "fd"),
        "re": rack("row2", "fa"), "te": top("re"),
        "ta": top("ra"), "tb": top("rb"), "tc": top("rc"), "td": top("rd"),
        "x1": aggregation("fa"), "x2": aggregation("fb"), "k1": core(), "k2": core("fd"),
    },
    "ta-x1 ta-x2 tb-x1 tb-x2 tc-x1 tc-x2 td-k1 td-k2 te-k1 te-k2 x1-k1 x1-k2 x2-k1 x2-k2",
)  # fmt: skip

DUAL_HOMED = site(
    {
        "i": "rh ta tb", "p": "rh ta", "r": "rd td", "n1": "rh ta tb", "n2": "r2 t2", "n3": "r3 t3", "n4": "rh ta tb",
        "n5": "rh tb",
    },
    {
        "fa": feed(), "fb": feed(),
        "rh": rack("row1", "fb"), "rd": rack("row1", "fa"), "r2": rack("row1", "fb"), "r3": rack("row1", "fb"),
        "ta": top("rh"), "tb": top("rh"), "td": top("rd"), "t2": top("r2"), "t3": top("r3"),
        "u": aggregation("fa"), "v": aggregation("fb"), "w": aggregation("fb"), "k1": core(),
    },
    "ta-u tb-v tb-w u-v td-v t2-v t2-w t3-v t3-w v-k1",
)  # fmt: skip

CROSSING = site(
    {
        "i": "ra ta", "p": "rb tb", "r": "rc tb tc", "n1": "ra ta", "n2": "rb tb", "n3": "rc tc", "d1": "rd td",
    },
    {
        "f1": feed(), "f2": feed(), "p1": pdu("f1"), "p2": pdu("f1", "f2"), "p3": pdu("f2"),
        "ra": rack("row1", "p2"), "rb": rack("row1", "p1"), "rc": rack("row1", "p3"), "rd": rack("row2", "p1", "p3"),
        "ta": top("ra"), "tb": top("rb"), "tc": top("rc"), "td": top("rd"),
        "x1": aggregation("rb"), "x2": aggregation("rc"), "k1": core(),
    },
    "ta-x1 ta-x2 tb-x1 tb-x2 tc-x1 tc-x2 td-k1 x1-k1 x2-k1",
)  # fmt: skip

DUAL_FED = site(
    {
        "i": "ra a1 a2", "p": "rb b1 b2", "r": "rc c1 c2", "n1": "ra a1 a2", "n2": "rb b1 b2", "n3": "rc c1 c2",
    },
    {
        "fx": feed(), "fy": feed(),
        "ra": rack("row1", "fx", "fy"), "rb": rack("row1", "fx", "fy"), "rc": rack("row1", "fx", "fy"),
        "a1": top("ra"), "a2": top("ra"), "b1": top("rb"), "b2": top("rb"), "c1": top("rc"), "c2": top("rc"),
        "x1": aggregation("fx"), "x2": aggregation("fy"), "k1": core(),
    },
    "a1-x1 a2-x2 b1-x1 b2-x2 c1-x1 c2-x2 x1-k1",
)  # fmt: skip

MONOLITH = site(
    {
        "i": "ra ta", "p": "ra ta", "r": "rb tb", "m1": "rd td", "m2": "re te", "m3": "rf tf",
    },
    {
        "fa": feed(), "fb": feed(), "ra": rack("row1", "fa"), "rb": rack("row1", "fb"),
        "rd": rack("row2", "fa", "fb"), "re": rack("row2", "fa", "fb"), "rf": rack("row2", "fa", "fb"),
        "ta": top("ra"), "tb": top("rb"), "td": top("rd"), "te": top("re"), "tf": top("rf"),
        "x1": aggregation(), "x2": aggregation(), "y1": aggregation(), "y2": aggregation(), "k1": core(), "k2": core(),
    },
    "ta-x1 ta-x2 tb-x1 tb-x2 td-y1 td-y2 te-y1 te-y2 tf-y1 tf-y2 x1-k1 x1-k2 x2-k1 x2-k2 y1-k1 y1-k2 y2-k1 y2-k2",
)  # fmt: skip

WITH_ONE_MORE = evolve(SINGLE_FED, servers=(*SINGLE_FED.servers, Standing("n5", "rb", frozenset({"tb"}))))


def failure(text: str) -> Failure:
    """A failure as `x1`, or as `ta-x1` for a link."""
    return tuple(text.split("-"))


def blast_radius(where: Site, fallible: str, *rules: str, max_epoch: int = 1) -> BlastRadius:
    """A volume on a site, whose placements keep these rules; by default nothing moves."""
    return BlastRadius(
        site=where, clients={"instance": "i", "primary": "p", "replica": "r"}, size=3, rules=frozenset(rules),
        fallible=frozenset(map(failure, fallible.split())), max_epoch=max_epoch,
    )  # fmt: skip


GOOD = ("row", "instance", "copies")
"""What a placement keeps under the policy `blast-radius.toml`."""

BLAST_RADIUS_MODELS = {
    "MCBlastRadiusSingleFed": blast_radius(SINGLE_FED, "fa fb fc tb tc x1 x2 k1 k2 tb-x1 n2", *GOOD, "still"),
    "MCBlastRadiusDualHomed": blast_radius(DUAL_HOMED, "fa ta tb u v w k1 ta-u i-ta n1-ta", *GOOD, "still"),
    "MCBlastRadiusCrossing": blast_radius(CROSSING, "f1 f2 p3 rb tb tc x2 k1 r-tc n1", *GOOD, "still"),
    "MCBlastRadiusDualFed": blast_radius(DUAL_FED, "fx fy rb n2 a1 b1 c1 c2 x1 x2", *GOOD, "still"),
    "MCBlastRadiusMonolith": blast_radius(MONOLITH, "tb x1 k1 k2 y1 y2", "instance", "copies", "still"),
    "MCBlastRadiusMoves": blast_radius(WITH_ONE_MORE, "ta tb fc k1", *GOOD, max_epoch=3),
    "MCBlastRadiusFailOver": blast_radius(DUAL_HOMED, "ta-u td i-ta k1", *GOOD, "still", max_epoch=4),
}
"""Machines by the names of their models."""

AS_THE_INSTANCE_SEES_IT = blast_radius(
    DUAL_HOMED, "fa fb rd ta tb td u v w k1 ta-u i-ta n1-ta p-ta p n2", "row", "instance", "still"
)
"""Not good enough where servers are on two switches: one failure puts the volume into blast."""

BLAST_RADIUS_PROGRESS = blast_radius(WITH_ONE_MORE, "tb fc", *GOOD, max_epoch=3)
"""Its volume works again while it is served."""
