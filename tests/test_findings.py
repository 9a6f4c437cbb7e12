"""A finding's folder is whole, faithful, and replays with ONNX Runtime alone."""

import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest
from onnx import TensorProto
from small_networks import unsafe_set, write_network

from soundbench.claim import Claim, Ending, EndReason, TaskResult
from soundbench.counterexample import parse_counterexample
from soundbench.errors import InputError
from soundbench.findings import Exhibit, write_contradiction, write_finding
from soundbench.ground_truth import Expected, GroundTruth, Proof, Role, Witness
from soundbench.instance import Instance, VariantKind
from soundbench.judge import Assessment, judge
from soundbench.vnnlib_writing import format_property

BOX = ("(>= X_0 0.0)", "(<= X_0 1.0)")
UNSAFE = unsafe_set(1, 1, *BOX, "(>= Y_0 0.75)")
WITNESS = Witness((Fraction(7, 8),), 0.125, 0.125, 0.125, 1e-6, 0.01)
VIOLATED = GroundTruth(Expected.VIOLATED, "planted", "mlp/interior", Role.ARMED, witness=WITNESS)
HOLDS = GroundTruth(Expected.HOLDS, "planted", "mlp/interior", Role.TWIN, proof=Proof(1e-4, 0.5, 0.01, ()))
ENDING = Ending(EndReason.EXIT, 0, None, 1.0, 1.0, 0)


def claimed(claim: Claim, verifier: str = "tool==1.0") -> TaskResult:
    return TaskResult(verifier, "1.0", "one", claim, "its own words", ENDING, None, None)


def make_instance(folder, unsafe=UNSAFE, **network) -> Instance:
    vnnlib = folder / "one.vnnlib"
    vnnlib.write_text(format_property(unsafe))
    path = write_network(folder / "one.onnx", [[1.0] * unsafe.input_count], **network)
    return Instance("one", path, vnnlib, 5.0)


@pytest.fixture
def instance(tmp_path):
    """Y_0 = X_0 on [0, 1], unsafe where Y_0 >= 0.75."""
    return make_instance(tmp_path)


def finding_of(folder, instance, claim, truth, text=None, *, unsafe=UNSAFE, log=None, verifier="tool==1.0"):
    judgement = judge(claimed(claim, verifier), instance, unsafe, truth, text)
    return write_finding(folder / "findings", Exhibit(judgement, instance, truth, log))


def run_script(folder):
    """What replay.py prints, run as a stranger would: from elsewhere, without our package in reach."""
    blocker = folder.parent / "blocked" / "soundbench"
    blocker.mkdir(parents=True, exist_ok=True)
    (blocker / "__init__.py").write_text("raise ImportError('replay.py must stand alone')")
    environment = os.environ | {"PYTHONPATH": str(blocker.parent)}
    command = [sys.executable, str(folder / "replay.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder.parent, check=True)
    return done.stdout


class TestUnsound:
    def test_the_folder_holds_the_evidence(self, tmp_path, instance):
        log = tmp_path / "tool.log"
        log.write_text("unsat\n")
        folder = finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED, log=log)
        assert folder == tmp_path / "findings" / "tool==1.0-one"
        assert {path.name for path in folder.iterdir()} == {
            "network.onnx",
            "property.vnnlib",
            "witness.txt",
            "verifier.log",
            "finding.json",
            "replay.py",
        }
        assert (folder / "network.onnx").read_bytes() == instance.onnx.read_bytes()
        assert (folder / "property.vnnlib").read_bytes() == instance.vnnlib.read_bytes()
        assert (folder / "verifier.log").read_text() == "unsat\n"
        witness = (folder / "witness.txt").read_text()
        assert parse_counterexample(witness, 1, "witness.txt") == WITNESS.point
        assert "Y_0" in witness

    def test_finding_json(self, tmp_path, instance):
        folder = finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED)
        told = json.loads((folder / "finding.json").read_text())
        assert told["verifier"] == "tool==1.0"
        assert told["version"] == "1.0"
        assert told["claim"] == "verified"
        assert told["raw"] == "its own words"
        assert told["expected"] == "violated"
        assert told["assessment"] == "unsound"
        assert told["reason"].startswith("verified, but at our witness")
        assert told["margins"] == {
            "margin_float32": 0.125,
            "margin_float64": 0.125,
            "margin_rigorous": 0.125,
            "float32_error": 1e-6,
            "required_margin": 0.01,
        }
        assert told["replay"]["outputs"] == [0.875]

    def test_the_script_shows_the_violation(self, tmp_path, instance):
        printed = run_script(finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED))
        assert printed.splitlines() == [
            "unsound: tool==1.0 says verified of one",
            "outputs: 0.875",
            "region 1: the point is in the box: True, the outputs are unsafe: True",
            "the property is violated: True",
        ]

    def test_the_script_is_short(self, tmp_path, instance):
        script = (finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED) / "replay.py").read_text()
        assert "import soundbench" not in script
        assert len(script.splitlines()) < 45


class TestClaimedCounterexamples:
    @pytest.mark.parametrize(
        ("text", "in_box", "unsafe_outputs"),
        [("((X_0 0.25))", True, False), ("((X_0 1.5))", False, True), ("((X_0 -2.0))", False, False)],
    )
    def test_a_bad_witness_is_replayed_as_it_was_given(self, tmp_path, instance, text, in_box, unsafe_outputs):
        folder = finding_of(tmp_path, instance, Claim.FALSIFIED, VIOLATED, text)
        assert (folder / "witness.txt").read_text() == text
        assert run_script(folder).splitlines()[-2:] == [
            f"region 1: the point is in the box: {in_box}, the outputs are unsafe: {unsafe_outputs}",
            "the property is violated: False",
        ]

    def test_a_false_alarm_without_a_counterexample_has_nothing_to_replay(self, tmp_path, instance):
        folder = finding_of(tmp_path, instance, Claim.FALSIFIED, HOLDS)
        assert not (folder / "replay.py").exists()
        assert not (folder / "witness.txt").exists()
        assert "nothing to replay" in (folder / "README.txt").read_text()
        told = json.loads((folder / "finding.json").read_text())
        assert (told["assessment"], told["replay"]) == ("false-alarm", None)
        assert told["reason"] == "it claims a counterexample, but gives none"
        assert told["margins"] == {"slack": 0.5, "inflation": 1e-4}

    @pytest.mark.parametrize("text", ["gibberish", "((X_0 1.0)(X_1 1.0))", "((X_0 nan))"])
    def test_a_counterexample_that_cannot_be_read_is_kept(self, tmp_path, instance, text):
        folder = finding_of(tmp_path, instance, Claim.FALSIFIED, VIOLATED, text)
        assert (folder / "witness.txt").read_text() == text
        assert not (folder / "replay.py").exists()
        told = json.loads((folder / "finding.json").read_text())
        assert told["reason"] in (folder / "README.txt").read_text()

    def test_a_value_beyond_float32_is_explained(self, tmp_path, instance):
        folder = finding_of(tmp_path, instance, Claim.FALSIFIED, VIOLATED, f"((X_0 1{'0' * 60}.0))")
        assert "too large" in (folder / "README.txt").read_text()

    def test_a_refuted_ground_truth_shows_the_counterexample(self, tmp_path, instance):
        folder = finding_of(tmp_path, instance, Claim.FALSIFIED, HOLDS, "((X_0 1.0))")
        printed = run_script(folder)
        assert printed.startswith("ground-truth-refuted: ")
        assert printed.endswith("the property is violated: True\n")


class TestScript:
    @pytest.mark.parametrize(
        ("assertions", "point", "violated"),
        [
            (("(> X_0 0.5)", "(< X_0 1.0)", "(> Y_0 0.0)"), "0.5", False),
            (("(>= X_0 0.5)", "(< X_0 1.0)", "(> Y_0 0.0)"), "0.5", True),
            (("(>= X_0 0.5)", "(<= X_0 1.0)", "(> Y_0 0.5)"), "0.5", False),
            (("(>= X_0 0.5)", "(<= X_0 1.0)", "(>= (* 2.0 Y_0) 1.0)"), "0.5", True),
            (("(>= X_0 0.0)", "(<= X_0 0.1)", "(>= Y_0 0.0)"), "0.1", False),  # 0.1 rounds upwards
            (
                ("(or (and (>= X_0 0.0) (<= X_0 1.0) (>= Y_0 5.0)) (and (>= X_0 2.0) (<= X_0 3.0) (<= Y_0 2.5)))",),
                "0.5",
                False,
            ),
            (
                ("(or (and (>= X_0 0.0) (<= X_0 1.0) (>= Y_0 5.0)) (and (>= X_0 2.0) (<= X_0 3.0) (<= Y_0 2.5)))",),
                "2.25",
                True,
            ),
        ],
    )
    def test_it_reaches_the_judges_verdict(self, tmp_path, assertions, point, violated):
        unsafe = unsafe_set(1, 1, *assertions)
        instance = make_instance(tmp_path, unsafe)
        judgement = judge(claimed(Claim.FALSIFIED), instance, unsafe, VIOLATED, f"((X_0 {point}))")
        assert judgement.replay.strict is violated
        folder = write_finding(tmp_path / "findings", Exhibit(judgement, instance, VIOLATED, log=None))
        assert run_script(folder).endswith(f"the property is violated: {violated}\n")

    @pytest.mark.parametrize("element", [TensorProto.FLOAT16, TensorProto.DOUBLE])
    def test_it_runs_in_the_networks_own_type(self, tmp_path, element):
        instance = make_instance(tmp_path, element=element, batch="N")
        folder = finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED)
        assert run_script(folder).endswith("the property is violated: True\n")

    def test_an_output_that_is_not_finite_violates_nothing(self, tmp_path):
        instance = make_instance(tmp_path, then=["Sqrt"], shift=[-1.0])
        folder = finding_of(tmp_path, instance, Claim.FALSIFIED, VIOLATED, "((X_0 0.5))")
        assert "the property is violated: False (an output is not finite)" in run_script(folder)

    def test_names_cannot_break_it(self, tmp_path, instance):
        verifier = 'vnncomp:/odd "place"\\n/{x}/../é'
        folder = finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED, verifier=verifier)
        assert folder.parent == tmp_path / "findings"
        assert verifier in run_script(folder)


class TestContradictions:
    def written(self, folder, instance, truth, text):
        """The folder of `verified` of an instance and `falsified` of a variant of it, whose files here are the same."""
        variant = replace(instance, variant=VariantKind.PERMUTED)
        sides = []
        for claim, one, words in ((Claim.VERIFIED, instance, None), (Claim.FALSIFIED, variant, text)):
            judgement = judge(replace(claimed(claim), variant=one.variant), one, UNSAFE, truth, words)
            log = folder / f"{claim}.log"
            log.write_text(f"says {claim}")
            sides.append(Exhibit(judgement, one, truth, log))
        return write_contradiction(folder / "findings", *sides)

    def told(self, folder):
        return {side: json.loads((folder / side / "finding.json").read_text()) for side in ("verified", "falsified")}

    def test_both_sides_are_there(self, tmp_path, instance):
        folder = self.written(tmp_path, instance, None, "((X_0 0.875))")
        assert folder == tmp_path / "findings" / "tool==1.0-one-inconsistent"
        for side, found in self.told(folder).items():
            assert (found["claim"], found["assessment"], found["instance"]) == (side, "inconsistent", "one")
            assert (folder / side / "verifier.log").read_text() == f"says {side}"
            assert (folder / side / "network.onnx").read_bytes() == instance.onnx.read_bytes()
        assert self.told(folder)["verified"]["reason"] == (
            "verified, but falsified of one (permuted), which has the same answer"
        )
        assert self.told(folder)["falsified"]["variant"] == "permuted"

    def test_a_counterexample_is_replayed_on_both_sides(self, tmp_path, instance):
        folder = self.written(tmp_path, instance, None, "((X_0 0.875))")
        titles = {"verified": "one", "falsified": "one (permuted)"}
        for side, name in titles.items():
            lines = run_script(folder / side).splitlines()
            assert lines[0] == f"inconsistent: tool==1.0 says {side} of {name}"
            assert lines[-1] == "the property is violated: True"
            assert parse_counterexample((folder / side / "witness.txt").read_text(), 1, "x") == (Fraction(7, 8),)

    def test_our_witness_is_replayed_where_there_is_no_counterexample(self, tmp_path, instance):
        folder = self.written(tmp_path, instance, VIOLATED, None)
        for side in ("verified", "falsified"):
            assert run_script(folder / side).splitlines()[-1] == "the property is violated: True"
            assert parse_counterexample((folder / side / "witness.txt").read_text(), 1, "x") == WITNESS.point

    def test_each_side_replays_its_own_point(self, tmp_path, instance):
        folder = self.written(tmp_path, instance, VIOLATED, "((X_0 0.9375))")
        outputs = {side: run_script(folder / side).splitlines()[1] for side in ("verified", "falsified")}
        assert outputs == {"verified": "outputs: 0.875", "falsified": "outputs: 0.9375"}

    def test_without_any_point_there_is_nothing_to_replay(self, tmp_path, instance):
        folder = self.written(tmp_path, instance, None, None)
        for side in ("verified", "falsified"):
            assert not (folder / side / "replay.py").exists()
            assert "which has the same answer" in (folder / side / "README.txt").read_text()

    def test_it_is_written_once(self, tmp_path, instance):
        first, second = (self.written(tmp_path, instance, None, "((X_0 0.875))") for _ in range(2))
        assert first == second
        assert [path.name for path in (tmp_path / "findings").iterdir()] == [first.name]


class TestWriting:
    def test_gzipped_files_are_unpacked(self, tmp_path, instance):
        packed = tmp_path / "one.onnx.gz"
        packed.write_bytes(gzip.compress(instance.onnx.read_bytes()))
        vnnlib = tmp_path / "one.vnnlib.gz"
        vnnlib.write_bytes(gzip.compress(instance.vnnlib.read_bytes()))
        instance = replace(instance, onnx=packed, vnnlib=vnnlib)
        folder = finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED)
        assert "declare-const" in (folder / "property.vnnlib").read_text()
        assert run_script(folder).endswith("the property is violated: True\n")

    def test_files_are_unpacked_within_a_limit(self, tmp_path, instance, monkeypatch):
        packed = tmp_path / "one.vnnlib.gz"
        packed.write_bytes(gzip.compress(instance.vnnlib.read_bytes()))
        monkeypatch.setattr("soundbench.findings.LARGEST_PROPERTY", 10)
        with pytest.raises(InputError, match=r"one\.vnnlib\.gz: holds more than 10 bytes"):
            finding_of(tmp_path, replace(instance, vnnlib=packed), Claim.VERIFIED, VIOLATED)

    def test_the_same_finding_is_written_once(self, tmp_path, instance):
        first = finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED)
        assert finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED) == first
        assert [path.name for path in (tmp_path / "findings").iterdir()] == ["tool==1.0-one"]

    def test_a_different_finding_is_not_overwritten(self, tmp_path, instance):
        first = finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED)
        before = (first / "finding.json").read_bytes()
        second = finding_of(tmp_path, instance, Claim.FALSIFIED, VIOLATED, "((X_0 0.25))")
        third = finding_of(tmp_path, instance, Claim.FALSIFIED, VIOLATED, "((X_0 0.125))")
        assert [path.name for path in (first, second, third)] == [
            "tool==1.0-one",
            "tool==1.0-one-2",
            "tool==1.0-one-3",
        ]
        assert (first / "finding.json").read_bytes() == before
        assert finding_of(tmp_path, instance, Claim.FALSIFIED, VIOLATED, "((X_0 0.25))") == second

    def test_what_an_interrupted_run_left_is_cleared(self, tmp_path, instance):
        left = tmp_path / "findings" / ".tool==1.0-one.partial"
        left.mkdir(parents=True)
        (left / "junk").write_text("junk")
        folder = finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED)
        assert not left.exists()
        assert not (folder / "junk").exists()

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path, instance):
        (tmp_path / "findings").write_text("a file is in the way")
        with pytest.raises(InputError, match=r"findings.*cannot write"):
            finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED)

    def test_a_variant_has_a_folder_of_its_own(self, tmp_path, instance):
        variant = replace(instance, variant=VariantKind.REORDERED)
        result = replace(claimed(Claim.VERIFIED), variant=variant.variant)
        judgement = judge(result, variant, UNSAFE, VIOLATED, None)
        folder = write_finding(tmp_path / "findings", Exhibit(judgement, variant, VIOLATED, None))
        assert folder.name == "tool==1.0-one-reordered"
        assert run_script(folder).splitlines()[0] == "unsound: tool==1.0 says verified of one (reordered)"

    def test_a_missing_log_is_left_out(self, tmp_path, instance):
        folder = finding_of(tmp_path, instance, Claim.VERIFIED, VIOLATED, log=tmp_path / "gone.log")
        assert not (folder / "verifier.log").exists()

    def test_findings_of_unknown_ground_truth_have_no_margins(self, tmp_path, instance):
        folder = finding_of(tmp_path, instance, Claim.FALSIFIED, None, "((X_0 0.25))")
        told = json.loads((folder / "finding.json").read_text())
        assert (told["assessment"], told["margins"]) == (Assessment.BAD_WITNESS, {})
