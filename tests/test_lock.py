import os
import signal
import subprocess
import sys

import pytest
from processes import wait_for

from soundbench.errors import InputError
from soundbench.lock import is_at, locked, open_locked

HOLD = """
import pathlib, sys, time
from soundbench.lock import open_locked
with open_locked(pathlib.Path(sys.argv[1]), "busy"):
    pathlib.Path(sys.argv[2]).write_text("held")
    time.sleep(600)
"""


def test_a_file_is_kept_until_it_is_closed(tmp_path):
    path = tmp_path / "new" / "file"
    with open_locked(path, "busy") as descriptor:
        os.write(descriptor, b"one")
        with pytest.raises(InputError, match=r"^busy$"), open_locked(path, "busy"):
            pass
    with open_locked(path, "busy") as descriptor:
        os.write(descriptor, b"two")
    assert path.read_bytes() == b"onetwo"


def test_a_process_that_is_killed_gives_its_lock_back(tmp_path):
    path, told = tmp_path / "file", tmp_path / "told"
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), str(told)])
    try:
        wait_for(told)
        with pytest.raises(InputError, match="busy"), open_locked(path, "busy"):
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with open_locked(path, "busy"):
        pass


def test_a_file_that_was_removed_before_it_was_locked_is_not_used(tmp_path, monkeypatch):
    path = tmp_path / "file"

    def removed(_descriptor, _busy):
        path.unlink()

    monkeypatch.setattr("soundbench.lock.take_lock", removed)
    with pytest.raises(InputError, match="busy"), open_locked(path, "busy"):
        pass


def test_another_file_in_its_place_is_another(tmp_path):
    path = tmp_path / "file"
    with path.open("w") as file:
        assert is_at(path, file.fileno())
        path.rename(tmp_path / "old")
        assert not is_at(path, file.fileno())
        path.touch()
        assert not is_at(path, file.fileno())


def test_where_nothing_can_be_written_another_folder_is_asked_for(tmp_path):
    (tmp_path / "file").touch()
    words = r"cannot be written \(.*\); name another folder with --out"
    with pytest.raises(InputError, match=words), open_locked(tmp_path / "file" / "below", "busy"):
        pass


def test_a_suite_is_made_by_one(tmp_path):
    words = "suite: another process is at work on it"
    with locked(tmp_path / "suite"), pytest.raises(InputError, match=words), locked(tmp_path / "suite"):
        pass
    with locked(tmp_path / "suite"):
        pass
    assert not list(tmp_path.iterdir())
