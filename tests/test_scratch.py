import os
import subprocess

import pytest
from processes import python

from soundbench.scratch import remove_folder


def nest(folder):
    """Folders in folders, deeper than a path can be long or Python recurse."""
    code = "import os\nfor _ in range(1200): os.mkdir('deep'), os.chdir('deep')"
    subprocess.run(python(code), cwd=folder, check=True)


def lock(folder):
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("")
    for path in (folder / "a" / "b", folder / "a", folder):
        path.chmod(0)


def fill(folder):
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("/")
    (folder / b"\xff".decode(errors="surrogateescape")).write_text("")
    (folder / "-rf").write_text("")


@pytest.mark.parametrize("mess", [nest, lock, fill], ids=lambda mess: mess.__name__)
def test_a_folder_is_removed_whatever_is_in_it(mess, tmp_path):
    (tmp_path / "folder").mkdir()
    mess(tmp_path / "folder")
    remove_folder(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_what_a_link_leads_to_is_kept(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    nest(tmp_path / "folder")
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "precious")
    remove_folder(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    assert (tmp_path / "precious" / "file").read_text() == "kept"


def test_a_folder_that_is_gone_already_is_no_error(tmp_path):
    remove_folder(tmp_path / "gone")
