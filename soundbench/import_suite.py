"""How does a folder of VNN-COMP's become a suite? Its files are copied, unpacked, and nothing is believed of them.

The ground truth of every instance is unknown. What a suite cannot hold, because nobody here could judge a claim about
it, is left out, with the reason.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundbench.errors import InputError, one_line
from soundbench.found_witness import FAMILY, unknown_truth
from soundbench.generate import folder_to_be
from soundbench.interface import Interface
from soundbench.packed import LARGEST_NETWORK, LARGEST_PROPERTY, read_unpacked
from soundbench.places import SOURCES, telling_parts
from soundbench.replay import require_equal
from soundbench.run import file_name
from soundbench.suite import MANIFEST, QUERIES, Row, write_suite
from soundbench.tried_network import Found, try_networks
from soundbench.vnncomp_folder import VERSIONS, Listed, read_folder
from soundbench.vnnlib import read_property
from soundbench.vnnlib2_parser import is_query
from soundbench.vnnlib_writing import format_property, format_query


@dataclass(frozen=True, slots=True)
class Origin:
    """What an imported suite is called, and how many instances at the end of each folder were published as clean."""

    name: str
    version: str = "1"
    published_clean: int | None = None

    def family_of(self, listed: Listed) -> str:
        """The family of an instance: where it comes from, and as what it was published, which proves nothing."""
        if self.published_clean is None:
            return FAMILY
        is_clean = listed.position >= listed.count - self.published_clean
        return f"{FAMILY}, published as {'clean' if is_clean else 'unverifiable'}"


@dataclass(frozen=True, slots=True)
class Imported:
    """How many instances a new suite has, and what is left out of it and why, a line each."""

    count: int
    left_out: tuple[str, ...]


def origin_of(root: Path, published_clean: int | None = None) -> Origin:
    """What a suite is called that is imported from a folder: as the folder, or the one around that of a version."""
    folder = root.resolve()
    return Origin((folder.parent if folder.name in VERSIONS else folder).name, published_clean=published_clean)


def import_suite(
    root: Path, out: Path, origin: Origin, version: str | None, progress: Callable[[str], None]
) -> Imported:
    """Make a suite of a folder in VNN-COMP's form, in the new folder `out`.

    Properties in VNN-LIB 2.0 are written in 1.0 as well, with exactly the same meaning. `version` is the version of
    VNN-LIB, where the folder has several; `progress` is told the name of each instance.

    Raises:
        InputError: the folder has not that form, no instance can be taken, or `out` cannot be written.
    """
    if (root / MANIFEST).is_file():
        raise InputError(f"{root}: is a suite already, with its ground truth; use it as it is")
    listing = read_folder(root, version)
    rows: dict[str, Row] = {}
    left_out: dict[str, str] = {}
    with folder_to_be(out) as folder:
        for kind in ("onnx", "vnnlib", QUERIES):
            (folder / kind).mkdir()
        groups = by_network(listing)
        tried = try_networks([group[0].onnx for group in groups.values()])
        for (name, group), found in zip(groups.items(), tried, strict=True):
            onnx = f"onnx/{name}.onnx"
            try:
                interface = copy_network(group[0].onnx, found, folder / onnx)
            except InputError as error:
                left_out.update({listed.name: one_line(error) for listed in group})
                continue
            for listed in group:
                try:
                    rows[listed.name] = copy_property(listed, interface, onnx, folder)
                except InputError as error:
                    left_out[listed.name] = one_line(error)
                progress(listed.name)
        if not rows:
            raise InputError(f"{root}: no instance can be taken ({next(iter(left_out.values()))})")
        taken = [listed for listed in listing if listed.name in rows]
        finish(folder, taken, rows, origin)
    return Imported(len(taken), tuple(f"{name}: {reason}" for name, reason in left_out.items()))


def by_network(listing: Sequence[Listed]) -> Mapping[str, Sequence[Listed]]:
    """The instances of each network, by the name that it gets."""
    groups: dict[Path, list[Listed]] = {}
    for listed in listing:
        groups.setdefault(listed.onnx, []).append(listed)
    places = [telling_parts(group[0].source[0]) for group in groups.values()]
    short = [parts[-1] for parts in places]
    names = short if len(set(short)) == len(short) else ["_".join(parts) for parts in places]
    return {file_name(name): group for name, group in zip(names, groups.values(), strict=True)}


def copy_network(source: Path, found: Found, target: Path) -> Interface:
    """Unpack a network into the suite; what it takes and gives, which is what was `found` when it was tried.

    Raises:
        InputError: it cannot be read, or not be run, so that no claim about it can be judged.
    """
    if isinstance(found, InputError):
        raise found
    target.write_bytes(read_unpacked(source, LARGEST_NETWORK))
    return found


def copy_property(listed: Listed, interface: Interface, onnx: str, folder: Path) -> Row:
    """Unpack a property into the suite, and check that it fits the network; in VNN-LIB 2.0 it is written in 1.0 too.

    Raises:
        InputError: it cannot be read, or does not fit.
    """
    content = read_unpacked(listed.vnnlib, LARGEST_PROPERTY)
    unsafe = read_property(listed.vnnlib)
    require_equal(listed.onnx, "inputs", interface.input.size, unsafe.input_count)
    require_equal(listed.onnx, "outputs", interface.output.size, unsafe.output_count)
    row = Row(onnx, f"vnnlib/{listed.name}.vnnlib", listed.timeout_seconds)
    if not is_query(content.decode("utf-8-sig")):
        (folder / row.vnnlib).write_bytes(content)
        return row
    try:
        plain, query = format_property(unsafe), format_query(unsafe, interface)
    except ValueError as error:
        raise InputError(f"{listed.vnnlib}: cannot be written again ({error})") from None
    (folder / row.vnnlib).write_text(plain, encoding="utf-8")
    (folder / row.vnnlib2).write_text(query, encoding="utf-8")
    return row


def finish(folder: Path, taken: Sequence[Listed], rows: Mapping[str, Row], origin: Origin) -> None:
    """Write what makes the copied files a suite."""
    if not all((folder / row.vnnlib2).exists() for row in rows.values()):
        shutil.rmtree(folder / QUERIES)
    for network in (folder / "onnx").iterdir():
        if network.relative_to(folder).as_posix() not in {row.onnx for row in rows.values()}:
            network.unlink()
    truth = {
        listed.name: unknown_truth(Path(rows[listed.name].onnx).stem, origin.family_of(listed)) for listed in taken
    }
    sources = {listed.name: list(listed.source) for listed in taken}
    made_by = {"name": origin.name, "version": origin.version, SOURCES: sources}
    write_suite(folder, [rows[listed.name] for listed in taken], truth, made_by)
