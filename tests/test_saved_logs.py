"""What real verifiers answered once is read as what it was."""

import re

import pytest
from saved_logs import FOLDER, saved_logs

from soundbench.claim import Claim
from soundbench.registry import known_verifiers, verifier_class

LOGS = tuple(saved_logs())
OUR_OWN = ("reference", "faulty", "vnncomp", "callable")
CLAIMS = {
    "falsified": (Claim.FALSIFIED,),
    "verified": (Claim.VERIFIED,),
    "unreadable": (Claim.UNSUPPORTED, Claim.ERROR),
    "timeout": (Claim.TIMEOUT,),
}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.label}-{log.outcome}")
def test_a_saved_answer_is_read_as_what_it_was(log, tmp_path):
    answer = log.replayed(tmp_path)
    assert answer.claim in CLAIMS[log.outcome]
    assert (answer.counterexample is not None) == (log.outcome == "falsified")


@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.label}-{log.outcome}")
def test_a_saved_answer_names_its_source(log):
    assert log.content["label"] == log.label
    assert log.content["version"] in verifier_class(log.content["tool"]).versions
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", log.content["date"])
    assert log.content["command"].startswith("TOOL/bin/python ")
    assert not re.search(r"/(tmp|home|root|work)/", " ".join(log.content.values()))


@pytest.mark.parametrize("name", [name for name in known_verifiers() if name not in OUR_OWN])
def test_who_is_not_untested_has_an_answer_of_each_kind(name):
    saved = {log.outcome for log in LOGS if log.label == name}
    assert saved >= ({"falsified", "verified", "unreadable"} if verifier_class(name).is_tested else set())
    assert verifier_class(name).is_tested or not saved


def test_there_are_logs():
    assert FOLDER.is_dir()
    assert len(LOGS) >= len(CLAIMS)
