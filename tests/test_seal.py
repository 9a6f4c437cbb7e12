"""A sealed suite tells nothing of its answers, and can be opened by the file that it has committed to, and no other."""

import hashlib
import json
import re
import shutil

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from planted import ARMED, SEED, edit_truth, put, read, repair_hashes, rows, write
from soundbench.cli import main

from soundbench.certify import certify_suite
from soundbench.commitment import read_sealed
from soundbench.errors import CertificateError, InputError
from soundbench.ground_truth import Expected
from soundbench.seal import FILE_TIME, comparable_pairs, nameless, open_suite, seal_suite, without_comments
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def one_line(result, code):
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture
def sealed(tiny_suite, tmp_path):
    """The small suite, sealed: the public folder and the file that is kept."""
    out, file = tmp_path / "public", tmp_path / "kept.json"
    seal_suite(load_suite(tiny_suite), out, file)
    return out, file


def opened(sealed, tmp_path):
    out, file = sealed
    open_suite(load_suite(out), file, tmp_path / "opened")
    return tmp_path / "opened"


# --- what it does not tell


def test_names_are_numbers_and_files_hold_no_old_name(tiny_suite, sealed):
    out, _ = sealed
    names = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    numbers = re.compile(r"onnx/[12]\.onnx|(vnnlib|vnnlib2)/[1-7]\.vnnlib|instances\.csv|suite\.json")
    assert all(numbers.fullmatch(name) for name in names)
    assert len(names) == 2 + 7 + 7 + 2
    for path in out.rglob("*"):
        for word in (b"mlp-near", b"armed", b"twin", b"clean", b"misaligned", b"crowd", b"scaled", b"seed", b"recipe"):
            assert not (path.is_file() and word in path.read_bytes()), (path, word)
    assert read(out, "suite.json").keys() == {"schema", "name", "version", "files", "commitment"}
    assert {path.name for path in (tiny_suite / "onnx").iterdir()} == {"mlp-near-1-armed.onnx", "mlp-near-1-twin.onnx"}


def test_all_files_are_of_one_time(sealed):
    out, _ = sealed
    assert {path.stat().st_mtime for path in (out, *out.rglob("*"))} == {FILE_TIME}


def test_comments_descriptions_and_metadata_are_left_out(suite_copy, tmp_path):
    path = suite_copy / "vnnlib" / f"{ARMED}.vnnlib"
    path.write_text(f"; armed, of course\n{path.read_text()}; this one has a needle\n")
    network = rows(suite_copy)[ARMED][0]
    model = onnx.load(network)
    model.doc_string = model.graph.name = model.graph.node[0].doc_string = "this one has a needle"
    onnx.helper.set_model_props(model, {"label": "this one has a needle"})
    onnx.save(model, network)
    (suite_copy / "notes.txt").write_text("this one has a needle")
    repair_hashes(suite_copy)
    seal_suite(load_suite(suite_copy), tmp_path / "out", tmp_path / "file")
    for path in (tmp_path / "out").rglob("*"):
        assert not (path.is_file() and b"needle" in path.read_bytes())
    open_suite(load_suite(tmp_path / "out"), tmp_path / "file", tmp_path / "opened")
    assert certify_suite(load_suite(tmp_path / "opened"), str)[Expected.VIOLATED] == 3


def test_no_text_of_a_network_is_left_that_is_no_name_of_a_tensor(tiny_suite, tmp_path):
    model = onnx.load(next((tiny_suite / "onnx").iterdir()))
    value = model.graph.value_info.add()
    value.CopyFrom(model.graph.output[0])
    value.name = "middle"
    model.opset_import.add(domain="needle", version=1)
    model.training_info.add()
    model.graph.quantization_annotation.add().quant_parameter_tensor_names.add()
    weights = onnx.numpy_helper.from_array(np.zeros(2, np.float32), "needle")
    model.graph.node.add(op_type="Constant", output=["unread"]).attribute.append(
        onnx.helper.make_attribute("value", weights)
    )
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "needle"
    mark(model)
    assert model.SerializeToString().count(b"needle") > 30
    onnx.save(model, tmp_path / "marked.onnx")
    cleared = nameless(tmp_path / "marked.onnx")
    assert b"needle" not in cleared.SerializeToString()
    onnx.checker.check_model(cleared)
    assert [node.output[0] for node in cleared.graph.node] == [node.output[0] for node in model.graph.node]


def mark(message):
    """Put a marker into every text within a message that may say anything, and metadata where there can be some."""
    for field in message.DESCRIPTOR.fields:
        if field.name == "metadata_props":
            message.metadata_props.add()
        meant = ("op_type", "input", "output", "domain") if message.DESCRIPTOR.name == "NodeProto" else ()
        names = ("AttributeProto", "TensorProto", "ValueInfoProto", "OperatorSetIdProto")
        if field.name in meant or (field.name in ("name", "domain") and message.DESCRIPTOR.name in names):
            continue
        value = getattr(message, field.name)
        if field.type == field.TYPE_STRING and isinstance(value, str) and field.containing_oneof is None:
            setattr(message, field.name, "needle")
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE and field.name not in ("external_data", "functions"):
            for each in [value] if hasattr(value, "ListFields") else value:
                mark(each)


@pytest.mark.parametrize(
    ("text", "left"),
    [("a \t; b ; c\nd  \n;e\nf;", "a\nd  \n\nf\n"), (" " * 10**6 + "x\n", " " * 10**6 + "x\n"), (";\r\nx", "\nx\n")],
)
def test_comments_are_left_out_with_the_spaces_before_them(tmp_path, text, left):
    (tmp_path / "p.vnnlib").write_bytes(text.encode())
    assert without_comments(tmp_path / "p.vnnlib") == left.lstrip("\n")


def test_two_seals_of_one_suite_have_other_orders_and_commitments(tiny_suite, tmp_path):
    orders, commitments = set(), set()
    for number in range(6):
        seal_suite(load_suite(tiny_suite), tmp_path / f"out{number}", tmp_path / f"file{number}")
        orders.add(tuple(read_sealed(tmp_path / f"file{number}").names.values()))
        commitments.add(read(tmp_path / f"out{number}", "suite.json")["commitment"])
    # Six orders of seven are the same once in 7!^5 times.
    assert len(orders) > 1
    assert len(commitments) == 6


def test_only_its_owner_may_read_the_sealed_file(sealed):
    assert sealed[1].stat().st_mode & 0o777 == 0o600


def test_pairs_that_can_be_compared_are_told(tiny_suite, tmp_path):
    assert len(comparable_pairs(load_suite(tiny_suite))) == 3
    result = run("seal", tiny_suite, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "the members of 3 pairs ask about the same boxes" in result.stdout
    assert (tmp_path / "out.sealed.json").exists()


def test_a_seed_that_can_be_guessed_is_told(suite_copy, tmp_path):
    words = f"its seed {SEED} can be guessed, and whoever has the recipe then makes the suite again, with all answers"
    assert words in run("seal", suite_copy, "--out", tmp_path / "one").stdout
    manifest = read(suite_copy, "suite.json")
    for number, changed in enumerate((manifest | {"seed": 2**64}, {**manifest, "seed": None})):
        write(suite_copy, "suite.json", changed)
        result = run("seal", suite_copy, "--out", tmp_path / f"other{number}")
        assert (result.exit_code, "guessed" in result.stdout) == (0, False)


# --- what can be done with it


def test_the_commitment_is_the_sha_256_of_the_file(sealed):
    out, file = sealed
    assert read(out, "suite.json")["commitment"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_opened_it_certifies_under_the_names_that_were_published(tiny_suite, sealed, tmp_path):
    folder = opened(sealed, tmp_path)
    assert rows(folder).keys() == rows(sealed[0]).keys()
    assert certify_suite(load_suite(folder), str) == {Expected.VIOLATED: 3, Expected.HOLDS: 4, Expected.UNKNOWN: 0}
    before, after, names = load_suite(tiny_suite), load_suite(folder), read_sealed(sealed[1]).names
    for instance in after.instances:
        old = next(each for each in before.instances if each.name == names[instance.name])
        assert after.ground_truth[instance.name] == before.ground_truth[old.name]
        assert read_property(instance.vnnlib) == read_property(old.vnnlib)
    manifest = read(folder, "suite.json")
    assert (manifest["seed"], manifest["names"]) == (SEED, dict(names))


def test_sealed_it_certifies_nothing_and_says_so(sealed):
    result = run("certify", sealed[0])
    assert result.exit_code == 0
    assert "0 violated and 0 holding instances; 7 of unknown ground truth" in result.stdout
    assert "sealed: its ground truth is withheld" in result.stdout


def test_sealed_it_can_be_described_and_run(sealed, tmp_path):
    assert run("suite", "describe", sealed[0]).exit_code == 0
    (tmp_path / "knows.py").write_text("def verify(onnx, vnnlib, timeout_seconds):\n    return 'unsat'\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        result = run(
            "evaluate", "callable:knows:verify", "--suite", sealed[0], "--out", "run", "--min-exercised", "0",
            "--limit", "2",
        )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "the suite is sealed" in result.stdout
    assert re.search(r"unconfirmed +2\n", result.stdout)


def test_the_commands_say_what_they_did(tiny_suite, tmp_path):
    out, file = tmp_path / "out", tmp_path / "secret" / "file"
    result = run("seal", tiny_suite, "--out", out, "--file", file)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == f"{out}: 7 instances without ground truth, to be published"
    result = run("open", out, file, "--out", tmp_path / "opened")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        f"{tmp_path / 'opened'}: 7 instances with the ground truth that {out} has committed"
    )
    result = run("certify", tmp_path / "opened")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"{tmp_path / 'opened'}: the ground truth that it committed to"


# --- what is refused


def test_a_file_that_was_altered(sealed, tmp_path):
    out, file = sealed
    text = file.read_text()
    for old, new in (('"violated"', '"unknown"'), ('"salt": "', '"salt": "0')):
        file.write_text(text.replace(old, new, 1))
        if new != '"unknown"':
            assert "not a sealed file" in one_line(run("open", out, file, "--out", tmp_path / "o"), 2)
        else:
            assert "altered since" in one_line(run("open", out, file, "--out", tmp_path / "o"), 1)
    assert not (tmp_path / "o").exists()


def test_a_file_of_another_suite(sealed, tmp_path, suite_copy):
    other = suite_copy
    for path in (other / "vnnlib").iterdir():
        path.write_text(path.read_text() + "\n\n(assert (<= Y_0 1000.0))\n")
    shutil.rmtree(other / "vnnlib2")
    manifest = read(other, "suite.json")
    manifest["files"] = {name: each for name, each in manifest["files"].items() if not name.startswith("vnnlib2")}
    write(other, "suite.json", manifest)
    for path in (other / "onnx").iterdir():
        model = onnx.load(path)
        weights = model.graph.initializer[0]
        weights.CopyFrom(onnx.numpy_helper.from_array(2 * onnx.numpy_helper.to_array(weights), weights.name))
        onnx.save(model, path)
    repair_hashes(other)
    seal_suite(load_suite(other), tmp_path / "other", tmp_path / "other.json")
    line = one_line(run("open", sealed[0], tmp_path / "other.json", "--out", tmp_path / "o"), 2)
    assert "is the sealed file of another suite than" in line


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "null", '{"schema": 1}', "\udcff"])
def test_what_is_no_sealed_file(sealed, tmp_path, content):
    path = tmp_path / "none.json"
    if content is not None:
        path.write_text(content, errors="surrogateescape")
    assert "none.json" in one_line(run("open", sealed[0], path, "--out", tmp_path / "o"), 2)


def test_a_suite_that_was_altered(sealed, tmp_path):
    out, file = sealed
    path = out / "vnnlib" / "3.vnnlib"
    path.write_text(path.read_text() + "\n")
    assert "its SHA-256 is not the one in suite.json" in one_line(run("open", out, file, "--out", tmp_path / "o"), 2)
    repair_hashes(out)
    line = one_line(run("open", out, file, "--out", tmp_path / "o"), 1)
    assert "vnnlib/3.vnnlib is not the file that the commitment is about" in line


def test_a_file_that_was_added_after_publishing(sealed, tmp_path):
    out, file = sealed
    (out / "onnx" / "extra.onnx").write_bytes(b"another")
    manifest = read(out, "suite.json")
    manifest["files"]["onnx/extra.onnx"] = hashlib.sha256(b"another").hexdigest()
    (out / "suite.json").write_text(json.dumps(manifest))
    line = one_line(run("open", out, file, "--out", tmp_path / "o"), 1)
    assert "onnx/extra.onnx is not the file that the commitment is about" in line


def test_another_ground_truth_than_was_promised(sealed, tmp_path):
    folder = opened(sealed, tmp_path)
    armed = next(name for name, known in load_suite(folder).ground_truth.items() if known.witness)
    edit_truth(folder, armed, lambda entry: entry.update(trigger="another"))
    repair_hashes(folder)
    assert "is not the ground truth that was committed to" in one_line(run("certify", folder), 1)


def test_a_ground_truth_without_the_file_that_was_promised(sealed, tmp_path):
    folder = opened(sealed, tmp_path)
    manifest = read(folder, "suite.json")
    del manifest["files"]["sealed.json"]
    write(folder, "suite.json", manifest)
    assert "has a ground truth, and no sealed.json" in one_line(run("certify", folder), 1)


def test_records_of_attacks_may_be_added(sealed, tmp_path):
    folder = opened(sealed, tmp_path)
    armed = next(name for name, known in load_suite(folder).ground_truth.items() if known.witness)
    record = {"attack": "pgd", "seed": 0, "restarts": 1, "queries": 9, "margin": 1.0, "found": False}
    edit_truth(folder, armed, lambda entry: entry.update(attacks=[record]))
    repair_hashes(folder)
    assert certify_suite(load_suite(folder), str)[Expected.VIOLATED] == 3


def test_a_certificate_that_was_promised_and_does_not_hold(suite_copy, tmp_path):
    edit_truth(suite_copy, ARMED, put("witness", "margin_float64", 1.0))
    repair_hashes(suite_copy)
    seal_suite(load_suite(suite_copy), tmp_path / "public", tmp_path / "file")
    folder = opened((tmp_path / "public", tmp_path / "file"), tmp_path)
    with pytest.raises(CertificateError, match="the witness's margin_float64 is"):
        certify_suite(load_suite(folder), str)


def test_sealing_twice_or_what_has_no_ground_truth(sealed, tmp_path, suite_copy):
    assert "is sealed already, or was" in one_line(run("seal", sealed[0], "--out", tmp_path / "o"), 2)
    assert "is sealed already, or was" in one_line(run("seal", opened(sealed, tmp_path), "--out", tmp_path / "o"), 2)
    assert "is open already" in one_line(run("open", tmp_path / "opened", sealed[1], "--out", tmp_path / "o"), 2)
    assert "is not sealed" in one_line(run("open", suite_copy, sealed[1], "--out", tmp_path / "o"), 2)
    write(suite_copy, "ground_truth.json", {})
    repair_hashes(suite_copy)
    assert "has no ground truth" in one_line(run("seal", suite_copy, "--out", tmp_path / "o"), 2)


def test_a_file_that_is_there_or_would_be_published(tiny_suite, tmp_path):
    (tmp_path / "mine").write_text("years of work")
    line = one_line(run("seal", tiny_suite, "--out", tmp_path / "o", "--file", tmp_path / "mine"), 2)
    assert "mine: already exists" in line
    assert (tmp_path / "mine").read_text() == "years of work"
    line = one_line(run("seal", tiny_suite, "--out", tmp_path / "o", "--file", tmp_path / "o" / "file"), 2)
    assert "lies in the suite that is to be published" in line
    line = one_line(run("seal", tiny_suite, "--out", tmp_path / "o", "--file", "/proc/file"), 2)
    assert "cannot be written" in line
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_if_the_folder_cannot_be_made_no_file_is_left(tiny_suite, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.rename", stop)
    with pytest.raises(KeyboardInterrupt):
        seal_suite(load_suite(tiny_suite), tmp_path / "out", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("commitment", [1, [], {}])
def test_a_commitment_that_is_none(sealed, commitment):
    manifest = read(sealed[0], "suite.json")
    write(sealed[0], "suite.json", {**manifest, "commitment": commitment})
    with pytest.raises(InputError, match="commitment is no SHA-256"):
        load_suite(sealed[0])


def test_the_sealed_file_is_read_as_it_is_written(sealed):
    content = json.loads(sealed[1].read_text())
    assert len(bytes.fromhex(content["salt"])) == 32
    assert np.unique(list(content["salt"])).size > 4
