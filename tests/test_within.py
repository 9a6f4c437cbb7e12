import os

import pytest

from soundbench.errors import InputError
from soundbench.within import Within


@pytest.fixture
def root(tmp_path):
    (tmp_path / "suite" / "onnx").mkdir(parents=True)
    (tmp_path / "suite" / "onnx" / "a.onnx").touch()
    (tmp_path / "secret").touch()
    return tmp_path / "suite"


@pytest.mark.parametrize("path", ["onnx/a.onnx", "./onnx/a.onnx", "onnx//a.onnx", "onnx/../onnx/a.onnx"])
def test_a_file_of_the_folder_is_found(root, path):
    assert Within(root, "do something").file(path) == root / "onnx" / "a.onnx"


def test_links_within_the_folder_are_followed(root):
    (root / "link.onnx").symlink_to("onnx/a.onnx")
    (root / "folder").symlink_to("onnx")
    files = Within(root, "do something")
    assert files.file("link.onnx") == files.file("folder/a.onnx") == root / "onnx" / "a.onnx"


@pytest.mark.parametrize("path", ["../secret", "onnx/../../secret", "out/secret", "link", "deep/link", "/etc/passwd"])
def test_what_leads_out_is_refused(root, path):
    (root / "out").symlink_to("..")
    (root / "link").symlink_to("../secret")
    (root / "deep").symlink_to("onnx")
    (root / "onnx" / "link").symlink_to("../../secret")
    with pytest.raises(InputError, match="leads out of the folder; do something"):
        Within(root, "do something").file(path)


@pytest.mark.parametrize("path", ["", ".", "onnx", "onnx/.", "onnx/", "onnx/b.onnx", "none/a", "dangling", "onnx/pipe"])
def test_what_is_no_file_is_refused(root, path):
    (root / "dangling").symlink_to("onnx/none")
    os.mkfifo(root / "onnx" / "pipe")
    with pytest.raises(InputError, match="no such file"):
        Within(root, "do something").file(path)


@pytest.mark.parametrize("path", ["a\0b", "onnx/a\0b", "a" * 300, "round"])
def test_what_cannot_be_a_path_is_refused(root, path):
    (root / "round").symlink_to("round")
    with pytest.raises(InputError, match="cannot be the path"):
        Within(root, "do something").file(path)
