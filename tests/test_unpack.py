"""Archives of others are unpacked below one folder, plain files only, and never more than so much."""

import contextlib
import io
import stat
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.errors import InputError
from soundbench.unpack import is_archive, refuse_pickle, unpack

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
    assert is_archive(archive)
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
    assert not is_archive(tmp_path / "a.onnx")
    with pytest.raises(InputError, match="neither a zip nor a tar archive"):
        unpack(tmp_path / "a.onnx", tmp_path / "out")


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(["zip", "tar.gz", "tar", "tar.xz"]), data=st.data())
def test_damage_is_told_and_never_more(tmp_path_factory, kind, data):
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(PACKERS[kind](folder / "archive", FILES).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "archive").write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with contextlib.suppress(InputError):  # and nothing else
        unpack(folder / "archive", folder / "out")
    assert {path.name for path in folder.iterdir()} <= {"archive", "out"}


@pytest.mark.parametrize("name", ["model.pt", "https://x/y/MODEL.PTH", "data.pkl"])
def test_pickles_are_refused_by_name(name):
    with pytest.raises(InputError, match="a pickle, which runs its author's code when it is loaded"):
        refuse_pickle(name)
    refuse_pickle("model.onnx")
