import pytest

from soundbench.attack_journal import Outcome, open_journal
from soundbench.errors import InputError

KEY, OTHER = ("onnx/a.onnx", "pgd 0.25x100", 0), ("onnx/a.onnx", "pgd 0.25x100", 1)
REACHED = {0: Outcome(0.25, (0.1, -1e-9), 75, found=False), 3: Outcome(-0.5, (1.0, 0.0), 2, found=True)}


def lines(folder):
    return next(folder.parent.glob("*.jsonl"))


def test_what_is_kept_is_there_again_exactly(tmp_path):
    with open_journal(tmp_path / "suite", ["x", 1]) as journal:
        journal.append(KEY, REACHED)
        journal.append(OTHER, {})
    with open_journal(tmp_path / "suite", ["x", 1]) as journal:
        assert journal.done == {KEY: REACHED, OTHER: {}}
        journal.remove()
    assert not list(tmp_path.iterdir())


def test_other_attacks_have_a_journal_of_their_own(tmp_path):
    with open_journal(tmp_path / "suite", ["x", 1]) as journal:
        journal.append(KEY, REACHED)
        with open_journal(tmp_path / "suite", ["x", 2]) as other:
            assert not other.done
            assert other.path != journal.path


@pytest.mark.parametrize(
    "torn", [b"{", b'{"network": "a"', b"\x00\xff", b'{"network": "a", "attack": "b", "part": 2, "boxes": {}}']
)
def test_a_last_line_that_was_torn_is_done_again(tmp_path, torn):
    with open_journal(tmp_path / "suite", []) as journal:
        journal.append(KEY, REACHED)
        path = journal.path
    with path.open("ab") as file:
        file.write(torn)
    with open_journal(tmp_path / "suite", []) as journal:
        assert list(journal.done) == [KEY]
        journal.append(OTHER, {})
    with open_journal(tmp_path / "suite", []) as journal:
        assert list(journal.done) == [KEY, OTHER]


@pytest.mark.parametrize(
    "damage",
    [b"{}\n", b"nonsense\n", b'{"network": "a", "attack": "b", "part": 2, "boxes": {"0": {"margin": NaN, "point": [], '
     b'"queries": 1, "found": false}}}\n', b'{"network": "a", "attack": "b", "part": 2, "boxes": []}\n'],
)  # fmt: skip
def test_any_other_damage_is_one_line(tmp_path, damage):
    with open_journal(tmp_path / "suite", []) as journal:
        path = journal.path
        path.write_bytes(damage)
        journal.append(KEY, REACHED)
    with pytest.raises(InputError, match=r"line 1 is damaged; remove the file"), open_journal(tmp_path / "suite", []):
        pass


def test_only_one_process_at_a_time(tmp_path):
    with (
        open_journal(tmp_path / "suite", []),
        pytest.raises(InputError, match="go on in another process"),
        open_journal(tmp_path / "suite", []),
    ):
        pass
