from fake_verifiers import SaysFalsified, SaysVerified, Scripted, writes

from soundbench.check import check_verifier
from soundbench.claim import Claim


def outcome(verifier, tmp_path) -> dict[str, bool]:
    return {result.instance: result.passed for result in check_verifier(verifier, tmp_path, 20.0)}


def by_property(violated: str, holds: str) -> type[Scripted]:
    """A verifier that tells the three instances apart by their text."""
    script = (
        "unknown_operator = b'DoesNotExist' in open(onnx, 'rb').read()\n"
        "answer = 'unsupported' if unknown_operator else "
        f"{violated!r} if '>= Y_0' in open(vnnlib).read() else {holds!r}\n"
        "open(result, 'w').write(answer)\n"
    )
    return type("ByProperty", (Scripted,), {"script": script})


def test_a_right_verifier_passes(tmp_path):
    honest = by_property("sat\n((X_0 0.25) (X_1 1.0))", "unsat")
    results = list(check_verifier(honest(), tmp_path, 20.0))
    assert [result.claim for result in results] == [Claim.FALSIFIED, Claim.VERIFIED, Claim.UNSUPPORTED]
    assert all(result.passed for result in results)


def test_giving_up_passes_but_failing_does_not(tmp_path):
    assert outcome(by_property("unknown", "timeout")(), tmp_path) == {
        "violated": True,
        "holds": True,
        "unsupported": True,
    }
    assert outcome(by_property("error", "unsupported")(), tmp_path) == {
        "violated": False,
        "holds": False,
        "unsupported": True,
    }


def test_a_wrong_verdict_fails(tmp_path):
    assert outcome(SaysVerified(), tmp_path) == {"violated": False, "holds": True, "unsupported": False}
    assert outcome(SaysFalsified(), tmp_path) == {"violated": True, "holds": False, "unsupported": False}


def test_a_wrong_counterexample_fails(tmp_path):
    assert not outcome(by_property("sat\n((X_0 0.25) (X_1 2.0))", "unsat")(), tmp_path)["violated"]


def test_a_tool_that_crashes_fails_and_its_log_is_at_hand(tmp_path):
    class Crashing(Scripted):
        script = "print('no licence')\n" + writes("unsat") + "sys.exit(1)"

    results = list(check_verifier(Crashing(), tmp_path, 20.0))
    assert [result.passed for result in results] == [False, False, True]
    assert results[0].log == "no licence\n"
