"""Which instance does a pair of paths mean that was written on another machine? Told by how the paths end.

What tells instances apart in VNN-COMP's folders are the names of files and of the folders around them. `onnx`,
`vnnlib`, the versions `1.0` and `2.0`, and extensions, with which every benchmark is alike, are left aside.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from soundbench.errors import InputError
from soundbench.suite import MANIFEST, Suite, read_json, read_rows

# Where an imported suite says in `suite.json` how its instances are listed where they come from.
SOURCES = "sources"
LIKE_ALL = frozenset({"onnx", "vnnlib", "vnnlib2", "1.0", "2.0", "", ".", ".."})
EXTENSIONS = (".gz", ".onnx", ".vnnlib")

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a network and a property lie, as telling parts of their paths."""

    onnx: Parts
    vnnlib: Parts


def place(onnx: str, vnnlib: str) -> Place:
    """The place that two paths mean."""
    return Place(telling_parts(onnx), telling_parts(vnnlib))


def telling_parts(path: str) -> Parts:
    """What tells one path from another: its parts without what all benchmarks have."""
    *folders, name = path.replace("\\", "/").rstrip("/").split("/")
    for extension in EXTENSIONS:
        name = name.removesuffix(extension)
    return (*(folder for folder in folders if folder not in LIKE_ALL), name)


class Places:
    """The places of a suite's instances, each by one or several pairs of paths."""

    def __init__(self, places: Iterable[tuple[str, Place]]) -> None:
        """`places` are pairs of an instance's name and a place of it."""
        self._by_names: dict[tuple[str, str], list[tuple[str, Place]]] = defaultdict(list)
        for name, known in places:
            self._by_names[known.onnx[-1], known.vnnlib[-1]].append((name, known))

    def find(self, sought: Place) -> Sequence[str]:
        """The names of the instances that a place may mean: one, several if that is not clear, or none.

        Of two paths the shorter one must be the end of the longer one. Of the instances' own paths that end the sought
        ones the longest count; only if there are none, the sought ones may be the shorter.
        """
        candidates = self._by_names.get((sought.onnx[-1], sought.vnnlib[-1]), [])
        exact = [(len(known.onnx) + len(known.vnnlib), name) for name, known in candidates if _ends(sought, known)]
        if exact:
            return sorted({name for length, name in exact if length == max(exact)[0]})
        return sorted({name for name, known in candidates if _ends(known, sought)})


def places_of(suite: Suite) -> Places:
    """Where the instances of a suite lie: in its own folder and, if it was imported, where they come from.

    Raises:
        InputError: `suite.json` names the sources in another form than that in which they are written.
    """
    sources = read_json(suite.root / MANIFEST).get(SOURCES, {})
    own = [(row.name, place(row.onnx, row.vnnlib)) for row in read_rows(suite.root)]
    try:
        listed = [(str(name), place(onnx, vnnlib)) for name, (onnx, vnnlib) in sources.items()]
    except (AttributeError, TypeError, ValueError):
        raise InputError(f"{suite.root / MANIFEST}: {SOURCES} are no pairs of paths; import the suite again") from None
    return Places([*own, *listed])


def _ends(longer: Place, shorter: Place) -> bool:
    """Whether both paths of one place end as those of another do."""
    pairs = ((longer.onnx, shorter.onnx), (longer.vnnlib, shorter.vnnlib))
    return all(long[len(long) - len(short) :] == short and len(long) >= len(short) for long, short in pairs)
