"""Every verifier summed up, with evidence and without; what the evidence is like, `tests/test_findings.py` tells."""

import pytest
from small_suite import small_suite
from test_consistency import judged

from soundbench.claim import Claim
from soundbench.findings import Exhibit
from soundbench.ground_truth import Expected
from soundbench.instance import VariantKind
from soundbench.judge import Assessment
from soundbench.summing_up import sum_up

UNSOUND = judged(Claim.VERIFIED, instance="armed", expected=Expected.VIOLATED, verifier="liar")
WAVERING = [
    judged(Claim.VERIFIED, instance="clean", verifier="liar"),
    judged(Claim.FALSIFIED, VariantKind.PERMUTED, instance="clean", verifier="liar"),
]


@pytest.mark.parametrize("has_folder", [True, False])
def test_findings_and_contradictions_leave_evidence_where_there_is_a_folder(tmp_path, has_folder):
    suite = small_suite(tmp_path / "suite")
    instances = {each.name: each for each in suite.instances}
    folder = tmp_path / "findings" if has_folder else None

    def exhibit(judgement):
        return Exhibit(judgement, instances[judgement.result.instance], suite.ground_truth["armed"], None)

    versions = {"liar": "of now", "silent": "2"}
    liar, silent = sum_up(versions, [UNSOUND, *WAVERING], suite.ground_truth, exhibit, folder)
    assert (liar.version, silent.version) == ("1", "2")
    assert [each.assessment for each in liar.findings] == [Assessment.UNSOUND, Assessment.INCONSISTENT]
    assert silent.findings == ()
    kept = [each.evidence for each in liar.findings]
    assert kept == ([str(path) for path in sorted(folder.iterdir())] if has_folder else [None, None])
