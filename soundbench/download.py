"""How does a benchmark get here by its name? It is fetched, laid out in VNN-COMP's form, and imported like others."""

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from soundbench.errors import InputError
from soundbench.fetch import Cache, NoSuchFileThere, NotReached
from soundbench.full_disk import full_disk_told
from soundbench.import_suite import Origin
from soundbench.known_benchmarks import DATASET, GITHUB, PUBLISHED_CLEAN, RAW, REPOSITORIES, SOUNDNESSBENCH, near
from soundbench.mirror import fetch_benchmark
from soundbench.revision import commit_of, day_of
from soundbench.run import file_name
from soundbench.suite import INSTANCES, sha256
from soundbench.unpack import refuse_pickle, unpack
from soundbench.vnncomp_folder import benchmark_folders

OF_A_YEAR = re.compile(r"(vnncomp[0-9]{4})/([A-Za-z0-9][A-Za-z0-9_.-]*)")
ARCHIVE = re.compile(r"\.(zip|tar|tgz|tbz2|txz|tar\.(gz|bz2|xz))\Z", re.IGNORECASE)
MAIN = "main"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted, and how: a revision of it, from a mirror, in a version of VNN-LIB, with a SHA-256 if it is known.

    `cache` is the folder for what is fetched; what comes from Hugging Face is in the hub's own.
    """

    name: str
    cache: Path
    revision: str | None = None
    mirror: str | None = None
    version: str | None = None
    sha256: str | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Here:
    """A folder in VNN-COMP's form, what a suite of it is called, what was left out of it, and which revision it is."""

    folder: Path
    origin: Origin
    left_out: tuple[str, ...] = ()
    revision: str = ""


@contextlib.contextmanager
def at_hand(wish: Wish, progress: Progress) -> Iterator[Here]:
    """What is wanted, as a folder that is there as long as the block goes on; `progress` is told of every file.

    Raises:
        InputError: nothing has that name, it cannot be fetched, or is not what it should be; or the disk is full.
    """
    with full_disk_told(wish.cache), tempfile.TemporaryDirectory(prefix="soundbench-download-") as temporary:
        yield _found(wish, Path(temporary), progress)


def short_name(name: str) -> str:
    """What the folder of a suite is called if nobody says: the last part of what it is made from."""
    last = name.rstrip("/").replace("\\", "/").rpartition("/")[2].partition("?")[0]
    return re.sub(r"(\.tar)?\.(zip|tar|gz|tgz|xz|bz2)\Z", "", last) or "benchmark"


def _found(wish: Wish, temporary: Path, progress: Progress) -> Here:
    refuse_pickle(wish.name.partition("?")[0])
    is_archive = ARCHIVE.search(wish.name.partition("?")[0]) or Path(wish.name).is_file()
    if wish.sha256 and not (is_archive and re.fullmatch("[0-9a-f]{64}", wish.sha256)):
        raise InputError(f"--sha256: {wish.sha256}: give the 64 hexadecimal digits of an archive, or leave it out")
    if wish.name == SOUNDNESSBENCH:
        return _soundnessbench(wish, temporary, progress)
    of_a_year = OF_A_YEAR.fullmatch(wish.name)
    if of_a_year is not None and of_a_year[1] in REPOSITORIES:
        return _of_a_year(wish, of_a_year[1], of_a_year[2], progress)
    if re.match(r"https?://", wish.name):
        if is_archive:
            return _archive_of_address(wish, temporary, progress)
        here = _anew(wish, wish.name, Path("folders", file_name(wish.name)), Origin(short_name(wish.name)), progress)
        return replace(here, revision=f"{wish.name}{here.revision}") if here.revision else here
    if Path(wish.name).is_file():
        if wish.sha256 not in (None, sha256(Path(wish.name))):
            raise InputError(f"{wish.name}: its SHA-256 is not {wish.sha256}; it was altered or is another version")
        return _laid_out(wish, unpack(Path(wish.name), temporary), temporary, progress)
    if Path(wish.name).is_dir():
        raise InputError(f"{wish.name}: a folder is here already; use: soundbench import {wish.name}")
    raise InputError(f"{wish.name}: no benchmark of that name, and no file; {near(wish.name)}")


def _soundnessbench(wish: Wish, temporary: Path, progress: Progress) -> Here:
    from soundbench.hub import fetch_dataset
    from soundbench.published_dataset import write_folders

    snapshot = fetch_dataset(DATASET, wish.revision, wish.mirror, fresh=wish.fresh)
    write_folders(snapshot, temporary, progress)
    origin = Origin(SOUNDNESSBENCH, snapshot.name, PUBLISHED_CLEAN)
    return Here(temporary, origin, revision=f"commit {snapshot.name}")


def _of_a_year(wish: Wish, year: str, benchmark: str, progress: Progress) -> Here:
    name, repository = wish.revision or MAIN, REPOSITORIES[year]
    meant = commit_of(wish.mirror or GITHUB, repository, name, wish.cache / year / "names")
    revision = meant.commit or name
    base = f"{(wish.mirror or RAW).rstrip('/')}/{repository}/{revision}/benchmarks/{benchmark}"
    kept, origin = Path(year, file_name(revision), benchmark), Origin(benchmark, f"{year} {revision}")
    try:
        here = (_anew if wish.fresh or meant.commit is None else _gone_on_with)(wish, base, kept, origin, progress)
    except NoSuchFileThere as error:
        raise InputError(f"{wish.name}: {error}; {near(wish.name)}") from None
    return replace(here, revision=f"{meant.words}{here.revision}")


def _gone_on_with(wish: Wish, base: str, kept: Path, origin: Origin, progress: Progress) -> Here:
    """The benchmark whose folder lies at an address, and never changes there: what is in the cache is not fetched."""
    return Here(fetch_benchmark(base, Cache(wish.cache / kept), wish.version, progress), origin)


def _anew(wish: Wish, base: str, kept: Path, origin: Origin, progress: Progress) -> Here:
    """The same of a folder that may change: all of it is fetched together; without a connection, the cache will do."""
    cache = Cache(wish.cache / kept)
    try:
        with cache.anew() as beside:
            place = fetch_benchmark(base, beside, wish.version, progress).relative_to(beside.folder)
    except NotReached:
        if wish.fresh or not cache.folder.exists():
            raise
        here = _gone_on_with(wish, base, kept, origin, progress)
        return replace(here, revision=f"; no connection: as it was on {day_of(here.folder / INSTANCES)}")
    return Here(cache.folder / place, origin)


def _archive_of_address(wish: Wish, temporary: Path, progress: Progress) -> Here:
    """The archive of an address, which is kept in the cache if it can be unpacked."""
    name = file_name(wish.name)
    cache = Cache(wish.cache / "packed" / name)
    with cache.anew() if wish.fresh else contextlib.nullcontext(cache) as place:
        archive = place.fetch(wish.name, name, wish.sha256)
        try:
            left_out = unpack(archive, temporary)
        except InputError:
            archive.unlink()
            raise
        return _laid_out(wish, left_out, temporary, progress)


def _laid_out(wish: Wish, left_out: Sequence[str], temporary: Path, progress: Progress) -> Here:
    """What was unpacked, without the pickles that were left out."""
    named = short_name(wish.name)
    progress(named)
    folders = benchmark_folders(temporary, wish.version)
    root = folders[0] if len(folders) == 1 else temporary
    return Here(root, Origin(named), tuple(f"{name}: a pickle, which is never loaded" for name in left_out))
