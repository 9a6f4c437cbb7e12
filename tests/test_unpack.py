"""Archives of others are unpacked below one folder, plain files only, and never more than so much."""

import contextlib
import errno
import io
import stat
import tarfile
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.errors import InputError
from soundbench.unpack import refuse_pickle, unpack

FILES = {"b/instances.csv": b"onnx/a.onnx,vnnlib/a.vnnlib,1\n", "b/onnx/a.onnx": bytes(5000), "b/vnnlib/a.vnnlib": b"x"}


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/", "")
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


PACKERS = {
    "zip": zipped,
    "tar": lambda path, files: tarred(path, files, "w"),
    "tar.gz": tarred,
    "tar.xz": lambda path, files: tarred(path, files, "w:xz"),
    "tar.bz2": lambda path, files: tarred(path, files, "w:bz2"),
}


@pytest.mark.parametrize("kind", PACKERS)
def test_files_come_out_as_they_are_and_pickles_stay_inside(tmp_path, kind):
    pickles = {"b/model.pt": b"\x80\x04K.", "b/data.PKL": b"\x80\x04K."}
    archive = PACKERS[kind](tmp_path / "archive", {**FILES, **pickles})
    assert unpack(archive, tmp_path / "out") == list(pickles)
    assert contents(tmp_path / "out") == FILES


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "b/../../out.txt", "..\\out.txt", "C:/out.txt"])
def test_no_path_leads_out(tmp_path, kind, name):
    archive = PACKERS[kind](tmp_path / "archive", {name: b"x"})
    with pytest.raises(InputError, match="leads out of it; get the archive from its source again"):
        unpack(archive, tmp_path / "in" / "out")
    assert {path.name for path in tmp_path.iterdir()} <= {"archive", "in"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "archive", "w") as archive:
        member = tarfile.TarInfo("b/link")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(InputError, match="'b/link' is a link or a device"):
        unpack(tmp_path / "archive", tmp_path / "out")


def test_links_in_zip_files_are_refused(tmp_path):
    entry = zipfile.ZipInfo("b/link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(InputError, match="'b/link' is a link or a device"):
        unpack(tmp_path / "archive", tmp_path / "out")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_there_is_a_limit_to_what_comes_out(tmp_path, monkeypatch, kind):
    archive = PACKERS[kind](tmp_path / "archive", FILES)
    monkeypatch.setattr("soundbench.unpack.MOST_BYTES", 4000)
    with pytest.raises(InputError, match="holds more than 4,000 bytes; take the files that you need"):
        unpack(archive, tmp_path / "out")
    monkeypatch.setattr("soundbench.unpack.MOST_FILES", 2)
    with pytest.raises(InputError, match="holds more than"):
        unpack(archive, tmp_path / "again")


@pytest.mark.parametrize(
    "files", [{"b/a": b"1", "./b/a": b"2"}, {"b/a": b"1", "b/a/c": b"2"}, {"b/a/c": b"1", "b/a": b"2"}]
)
def test_names_that_exclude_each_other_are_refused(tmp_path, files):
    with pytest.raises(InputError, match=r"twice; get|is a file and a folder in it"):
        unpack(tarred(tmp_path / "archive", files), tmp_path / "out")


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"not an archive")
    with pytest.raises(InputError, match="neither a zip nor a tar archive"):
        unpack(tmp_path / "a.onnx", tmp_path / "out")


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(["zip", "tar.gz", "tar.xz", "tar.bz2"]), data=st.data())
def test_damage_is_told_and_never_more(tmp_path_factory, kind, data):
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(PACKERS[kind](folder / "archive", FILES).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "archive").write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with contextlib.suppress(InputError):  # and nothing else
        unpack(folder / "archive", folder / "out")
        assert contents(folder / "out") == FILES
    assert {path.name for path in folder.iterdir()} <= {"archive", "out"}


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz", "tar.bz2"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_altered_contents_are_told(tmp_path_factory, kind, data):
    folder = tmp_path_factory.mktemp("altered")
    content = bytearray(PACKERS[kind](folder / "archive", {"b/a": bytes(range(256)) * 4}).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / "archive").write_bytes(content)
    with contextlib.suppress(InputError):
        unpack(folder / "archive", folder / "out")
        assert contents(folder / "out") == {"b/a": bytes(range(256)) * 4}


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_plain_tar_loses_no_file(tmp_path_factory, data):
    """It has no checksum of its contents, but one of each header."""
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(PACKERS["tar"](folder / "archive", FILES).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "archive").write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with contextlib.suppress(InputError):
        unpack(folder / "archive", folder / "out")
        assert {name: len(each) for name, each in contents(folder / "out").items()} == {
            name: len(each) for name, each in FILES.items()
        }


@pytest.mark.parametrize("position", range(1024, 1536, 37))
def test_a_damaged_second_header_is_told(tmp_path, position):
    content = bytearray(PACKERS["tar"](tmp_path / "archive", FILES).read_bytes())
    content[position] ^= 1
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(InputError, match="damaged or cut short: its end is not marked; get the archive again"):
        unpack(tmp_path / "archive", tmp_path / "out")


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.xz", "tar.bz2"])
def test_a_checksum_that_is_not_met_is_told(tmp_path, kind):
    content = bytearray(PACKERS[kind](tmp_path / "archive", FILES).read_bytes())
    content[-6] ^= 1
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(InputError, match="get the archive"):
        unpack(tmp_path / "archive", tmp_path / "out")


def test_a_list_of_files_that_is_cut_short_is_told(tmp_path):
    content = bytearray(zipped(tmp_path / "archive", FILES).read_bytes())
    first, second = (content.index(b"PK\1\2", content.index(b"PK\1\2") + each) for each in (0, 1))
    third = content.index(b"PK\1\2", second + 1)
    content[second + 32 : second + 34] = (content.index(b"PK\1\2", third + 1) - third).to_bytes(2, "little")
    assert first < second
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(InputError, match="its list of files is damaged; get the archive again"):
        unpack(tmp_path / "archive", tmp_path / "out")


def test_an_archive_in_an_archive_is_a_file(tmp_path):
    inner = zipped(tmp_path / "inner", {"c/a": b"x"}).read_bytes()
    unpack(tarred(tmp_path / "archive", {"b/inner.zip": inner}, "w"), tmp_path / "out")
    assert contents(tmp_path / "out") == {"b/inner.zip": inner}


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_of_nothing_is_refused(tmp_path, kind):
    with pytest.raises(InputError, match="holds no file"):
        unpack(PACKERS[kind](tmp_path / "archive", {}), tmp_path / "out")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, kind):
    with pytest.raises(InputError, match=r"cannot be unpacked \(File name too long\)"):
        unpack(PACKERS[kind](tmp_path / "archive", {"b/" + "n" * 300: b"x"}), tmp_path / "out")


def test_a_full_disk_is_not_the_archives_fault(tmp_path, monkeypatch):
    archive = tarred(tmp_path / "archive", FILES)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.mkdir", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("position", [0, 1])
def test_a_header_has_a_limit(tmp_path, kind, position):
    with tarfile.open(tmp_path / "archive", "w:gz") as archive:
        for name in ["b/a", "b/b"][:position]:
            archive.addfile(tarfile.TarInfo(name))
        header = tarfile.TarInfo("header")
        header.type, header.size = kind, 200_000
        content = f"{header.size} comment=".encode()
        archive.addfile(header, io.BytesIO(content + b"x" * (header.size - len(content) - 1) + b"\n"))
        archive.addfile(tarfile.TarInfo("b/c"))
    with pytest.raises(InputError, match="has a header of more than 65,536 bytes"):
        unpack(tmp_path / "archive", tmp_path / "out")


def test_what_one_header_says_of_all_members_is_not_kept_for_each(tmp_path):
    with tarfile.open(tmp_path / "archive", "w:gz", pax_headers={f"{key:x}": "" for key in range(6000)}) as archive:
        for number in range(200):
            archive.addfile(tarfile.TarInfo(f"b/{number}"))
    tracemalloc.start()
    try:
        unpack(tmp_path / "archive", tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_size_that_leads_back_is_refused(tmp_path):
    with tarfile.open(tmp_path / "archive", "w") as archive:
        archive.addfile(tarfile.TarInfo("b/a"))
        member = tarfile.TarInfo("b/b")
        member.pax_headers = {"size": "-1536"}
        archive.addfile(member)
    with pytest.raises(InputError, match="what follows lies before"):
        unpack(tmp_path / "archive", tmp_path / "out")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_folders_are_counted_too(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("soundbench.unpack.MOST_FILES", 10)
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        for number in range(11):
            archive.writestr(f"{number}/", "")
    with tarfile.open(tmp_path / "tar.gz", "w:gz") as packed:
        for number in range(11):
            member = tarfile.TarInfo(f"{number}")
            member.type = tarfile.DIRTYPE
            packed.addfile(member)
    with pytest.raises(InputError, match="holds more than 10 files"):
        unpack(tmp_path / kind, tmp_path / "out")


def test_what_is_passed_over_counts_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr("soundbench.unpack.MOST_BYTES", 50_000)
    archive = tarred(tmp_path / "archive", {"b/model.pt": bytes(60_000), "b/a": b"x"})
    with pytest.raises(InputError, match="holds more than 50,000 bytes"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("name", ["model.pt", "https://x/y/MODEL.PTH", "data.pkl"])
def test_pickles_are_refused_by_name(name):
    with pytest.raises(InputError, match="a pickle, which runs its author's code when it is loaded"):
        refuse_pickle(name)
    refuse_pickle("model.onnx")
