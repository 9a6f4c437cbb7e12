import contextlib
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planted import ARMED, read, repair_hashes, rows, write

from soundbench.errors import InputError
from soundbench.ground_truth import AttackRecord
from soundbench.suite import Row, load_suite, replace_ground_truth, write_suite

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refusal(folder):
    """Why a suite cannot be loaded: one line."""
    with pytest.raises(InputError) as error:
        load_suite(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_suite_is_loaded_as_its_files_say(tiny_suite):
    suite = load_suite(tiny_suite)
    assert (suite.name, suite.version) == ("tiny", "1")
    assert [each.name for each in suite.instances] == list(rows(tiny_suite))
    assert set(suite.ground_truth) == set(rows(tiny_suite))
    for each in suite.instances:
        assert (each.onnx, each.vnnlib) == rows(tiny_suite)[each.name]
        assert each.timeout_seconds == 60
    assert suite.digest == hashlib.sha256((tiny_suite / "suite.json").read_bytes()).hexdigest()


def test_the_manifest_holds_the_hash_of_every_other_file(tiny_suite):
    files = {path.relative_to(tiny_suite).as_posix() for path in tiny_suite.rglob("*") if path.is_file()}
    listed = read(tiny_suite, "suite.json")["files"]
    assert set(listed) == files - {"suite.json"}
    for name, digest in listed.items():
        assert digest == hashlib.sha256((tiny_suite / name).read_bytes()).hexdigest()


def test_a_withheld_ground_truth_leaves_a_suite_to_be_run(suite_copy):
    (suite_copy / "ground_truth.json").unlink()
    manifest = read(suite_copy, "suite.json")
    del manifest["files"]["ground_truth.json"]
    write(suite_copy, "suite.json", manifest)
    assert load_suite(suite_copy).ground_truth == {}


@pytest.mark.parametrize("name", ["suite.json", "instances.csv", "ground_truth.json"])
def test_a_missing_file_is_named(suite_copy, name):
    (suite_copy / name).unlink()
    assert name in refusal(suite_copy)
    assert "no such file" in refusal(suite_copy)


def test_a_missing_network_or_property_is_named(suite_copy):
    for path in rows(suite_copy)[ARMED]:
        content = path.read_bytes()
        path.unlink()
        assert path.name in refusal(suite_copy)
        path.write_bytes(content)
    load_suite(suite_copy)


def test_any_changed_byte_of_any_file_is_noticed(suite_copy):
    for name in read(suite_copy, "suite.json")["files"]:
        path = suite_copy / name
        content = path.read_bytes()
        for position in (0, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
            assert f"{name}: its SHA-256 is not the one in suite.json" in refusal(suite_copy)
        path.write_bytes(content + b" ")
        assert name in refusal(suite_copy)
        path.write_bytes(content)
    load_suite(suite_copy)


def test_no_folder_and_no_suite(tmp_path):
    assert "is " in refusal(tmp_path / "nowhere")
    assert "no such file" in refusal(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", '"suite"', "{}", '{"schema": 2}', '{"schema": "1"}', '{"schema": 1}']
)
def test_a_manifest_that_is_none(suite_copy, text):
    (suite_copy / "suite.json").write_text(text)
    assert "suite.json" in refusal(suite_copy)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 100_000, b"1" * 10_000, b'{"schema": 1, "files": []}'])
def test_a_manifest_that_breaks_readers(suite_copy, content):
    (suite_copy / "suite.json").write_bytes(content)
    assert "suite.json" in refusal(suite_copy)


PATHS = [
    "../outside.onnx",
    "/etc/passwd",
    "onnx/../../outside.onnx",
    "onnx/nothing.onnx",
    "onnx",
    "",
    ".",
    "onnx\0x",
    "x" * 5000,
    "loop",
    "outside-link",
    "\ud800",
]


@pytest.fixture
def traps(suite_copy):
    """A suite beside which, and in which, paths lead astray."""
    (suite_copy.parent / "outside.onnx").write_bytes(b"secret")
    (suite_copy / "loop").symlink_to(suite_copy / "loop")
    (suite_copy / "outside-link").symlink_to(suite_copy.parent / "outside.onnx")
    return suite_copy


@pytest.mark.parametrize("path", PATHS)
def test_the_manifest_cannot_name_what_is_no_file_of_the_suite(traps, path):
    manifest = read(traps, "suite.json")
    manifest["files"][path] = hashlib.sha256(b"secret").hexdigest()
    write(traps, "suite.json", manifest)
    assert "SHA-256" not in refusal(traps)


def test_a_name_that_leads_out_and_back_in_is_refused(traps):
    """The same name leads out of any folder that the suite is copied to."""
    (traps / "deep").mkdir()
    for path in (f"../{traps.name}/instances.csv", "deep/../instances.csv", str(traps / "instances.csv")):
        manifest = read(traps, "suite.json")
        manifest["files"][path] = manifest["files"]["instances.csv"]
        write(traps, "suite.json", manifest)
        assert f"{traps / 'suite.json'}: the path {path!r} may lead out of the folder" in refusal(traps)
        del manifest["files"][path]
        write(traps, "suite.json", manifest)


@pytest.mark.parametrize("path", [path for path in PATHS if path != "\ud800"])
@pytest.mark.parametrize("column", [0, 1])
def test_instances_cannot_name_what_is_no_file_of_the_suite(traps, path, column):
    lines = (traps / "instances.csv").read_text().splitlines()
    cells = lines[0].split(",")
    cells[column] = path
    (traps / "instances.csv").write_text("\n".join([",".join(cells), *lines[1:]]) + "\n")
    repair_hashes(traps)
    assert str(traps) in refusal(traps)


def test_a_file_that_the_manifest_does_not_vouch_for_is_refused(suite_copy):
    manifest = read(suite_copy, "suite.json")
    for name in ("instances.csv", "onnx/mlp-near-1-armed.onnx", "vnnlib/mlp-near-1-clean.vnnlib"):
        files = {key: value for key, value in manifest["files"].items() if key != name}
        write(suite_copy, "suite.json", {**manifest, "files": files})
        assert name in refusal(suite_copy)


def with_rows(folder, text):
    (folder / "instances.csv").write_text(text)
    repair_hashes(folder)
    return refusal(folder)


GOOD = "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-clean.vnnlib,10\n"


@pytest.mark.parametrize(
    "line",
    [
        "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-clean.vnnlib",
        "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-clean.vnnlib,10,more",
        "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-clean.vnnlib,soon",
        "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-clean.vnnlib,",
        "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-clean.vnnlib,0",
        "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-clean.vnnlib,-1",
        "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-clean.vnnlib,nan",
        "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-clean.vnnlib,inf",
        "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-clean.vnnlib,1e999",
        "onnx/mlp-near-1-armed.onnx",
        ",,",
        '"',
        "onnx/mlp-near-1-armed.onnx,vnnlib/mlp\0.vnnlib,10",
    ],
)
def test_a_bad_row_is_named(suite_copy, line):
    message = with_rows(suite_copy, "onnx/mlp-near-1-armed.onnx,vnnlib/mlp-near-1-1-scaled-armed.vnnlib,10\n" + line)
    assert "instances.csv" in message or "vnnlib" in message


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_no_rows(suite_copy, text):
    assert "lists no instances" in with_rows(suite_copy, text)


def test_rows_that_are_not_text(suite_copy):
    (suite_copy / "instances.csv").write_bytes(b"\xff\xff,\xff,1\n")
    repair_hashes(suite_copy)
    assert "instances.csv: not readable" in refusal(suite_copy)


def test_two_instances_of_one_name(suite_copy):
    assert "two instances are named 'mlp-near-1-clean'" in with_rows(suite_copy, GOOD + GOOD)
    (suite_copy / "other").mkdir()
    clean = suite_copy / "vnnlib" / "mlp-near-1-clean.vnnlib"
    (suite_copy / "other" / "mlp-near-1-clean.vnnlib").write_bytes(clean.read_bytes())
    manifest = read(suite_copy, "suite.json")
    manifest["files"]["other/mlp-near-1-clean.vnnlib"] = ""
    write(suite_copy, "suite.json", manifest)
    assert "two instances are named" in with_rows(suite_copy, GOOD + GOOD.replace("vnnlib/", "other/"))


def test_ground_truth_of_an_instance_that_is_not_there(suite_copy):
    content = read(suite_copy, "ground_truth.json")
    content["stranger"] = content[ARMED]
    write(suite_copy, "ground_truth.json", content)
    repair_hashes(suite_copy)
    assert "'stranger'" in refusal(suite_copy)


@settings(unhurried, max_examples=100)
@given(data=st.data())
def test_no_manifest_ends_in_a_traceback(suite_copy, data):
    manifest = json.loads((suite_copy / "suite.json").read_text())
    before = json.dumps(manifest)
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=4,
    )
    if data.draw(st.booleans()):
        manifest[data.draw(st.sampled_from(["schema", "files"]))] = data.draw(json_values)
    else:
        key = data.draw(st.one_of(st.sampled_from(sorted(manifest["files"])), st.text(max_size=8)))
        manifest["files"][key] = data.draw(json_values)
    if json.dumps(manifest) == before or (manifest["schema"] == 1 and manifest["files"] == json.loads(before)["files"]):
        return
    (suite_copy / "suite.json").write_text(json.dumps(manifest))
    refusal(suite_copy)
    (suite_copy / "suite.json").write_text(before)


def test_what_is_written_is_read_again(tmp_path, tiny_suite):
    suite = load_suite(tiny_suite)
    for name in ("a.onnx", "deep/b.vnnlib"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    truth = {"b": suite.ground_truth[ARMED]}
    write_suite(tmp_path, [Row("a.onnx", "deep/b.vnnlib", 0.5)], truth, {"name": "two", "version": "3"})
    again = load_suite(tmp_path)
    assert (again.name, again.version, again.ground_truth) == ("two", "3", truth)
    assert [(each.name, each.timeout_seconds) for each in again.instances] == [("b", 0.5)]


@pytest.mark.parametrize(
    ("vnnlib", "name"), [("a/b.vnnlib", "b"), ("b.vnnlib.gz", "b"), ("b.c.vnnlib", "b.c"), ("b", "b")]
)
def test_an_instance_is_named_after_its_property(vnnlib, name):
    assert Row("n.onnx", vnnlib, 1.0).name == name


@pytest.mark.parametrize(("renames", "is_new"), [(0, False), (1, False), (2, True), (3, True)])
def test_replacing_the_ground_truth_may_be_interrupted_at_any_rename(suite_copy, monkeypatch, renames, is_new):
    """The suite can be loaded, with the old ground truth or the new one, and the next attempt sets all right."""
    old = load_suite(suite_copy).ground_truth
    new = {name: replace(truth, attacks=(AttackRecord("a", 0, 1, 1, 0.5, found=False),)) for name, truth in old.items()}
    rename, done = Path.replace, []

    def interrupted(path, target):
        if len(done) == renames:
            raise KeyboardInterrupt
        done.append(path)
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt) if renames < 3 else contextlib.nullcontext():
            replace_ground_truth(suite_copy, new)
    assert load_suite(suite_copy).ground_truth == (new if is_new else old)
    assert not list(suite_copy.glob(".*"))
    replace_ground_truth(suite_copy, new)
    assert load_suite(suite_copy).ground_truth == new
    assert isinstance(read(suite_copy, "suite.json")["files"]["ground_truth.json"], str)


def test_a_third_content_is_refused_while_two_are_allowed(suite_copy):
    manifest = read(suite_copy, "suite.json")
    manifest["files"]["ground_truth.json"] = [manifest["files"]["ground_truth.json"], "0" * 64]
    write(suite_copy, "suite.json", manifest)
    load_suite(suite_copy)
    write(suite_copy, "ground_truth.json", {})
    assert "its SHA-256 is not the one in suite.json" in refusal(suite_copy)


def test_a_suite_without_ground_truth_has_none_to_replace(suite_copy):
    manifest = read(suite_copy, "suite.json")
    del manifest["files"]["ground_truth.json"]
    write(suite_copy, "suite.json", manifest)
    with pytest.raises(InputError, match=r"has no ground_truth\.json to be replaced"):
        replace_ground_truth(suite_copy, {})
