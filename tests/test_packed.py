"""Files are read whether gzipped or not, and never more than so many bytes of them."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.errors import InputError
from soundbench.packed import read_unpacked


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=3), st.integers(0, 8))
def test_what_was_packed_comes_back_however_many_members(tmp_path_factory, parts, zeros):
    path = tmp_path_factory.mktemp("packed") / "f"
    path.write_bytes(b"".join(gzip.compress(part) for part in parts) + b"\0" * zeros)
    assert read_unpacked(path, 1000) == b"".join(parts)


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda text: gzip.compress(text[:40]) + gzip.compress(text[40:])]
)
def test_the_limit_is_of_what_is_inside(tmp_path, pack):
    path = tmp_path / "f"
    path.write_bytes(pack(b"x" * 100))
    assert read_unpacked(path, 100) == b"x" * 100
    with pytest.raises(InputError, match="f: holds more than 99 bytes; split it"):
        read_unpacked(path, 99)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"x" * 100, mtime=0)[:-1],
        gzip.compress(b"x" * 100, mtime=0)[:-8] + bytes(8),
        b"\x1f\x8b",
        b"\x1f\x8b" + b"x" * 50,
    ],
)
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(InputError, match=r"f: damaged gzip data .*; fetch or compress the file again"):
        read_unpacked(tmp_path / "f", 1000)


def test_what_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="give a file that can be read"):
            read_unpacked(path, 10)
