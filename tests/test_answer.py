import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench import answer
from soundbench.answer import RESULT_WORD, claim_of, read_result_file, read_result_text
from soundbench.claim import Answer, Claim

VERDICTS = (Claim.VERIFIED, Claim.FALSIFIED)
WORDS = [
    ("unsat holds safe verified UNSAT Holds", Claim.VERIFIED),
    ("sat violated unsafe falsified SAT", Claim.FALSIFIED),
    ("timeout timed-out timed_out timeout_prepare run_instance_timeout prepare_instance_timeout", Claim.TIMEOUT),
    ("unknown no_result_in_file prepare_instance_error_1 error_nonmaximal", Claim.UNKNOWN),
    ("error error_exit_code_139", Claim.ERROR),
    ("unsupported", Claim.UNSUPPORTED),
]


@pytest.mark.parametrize(("word", "claim"), [(word, claim) for words, claim in WORDS for word in words.split()])
def test_known_words(word, claim):
    assert claim_of(word) is claim
    assert read_result_text(f"{word},12.3\r\n").claim is claim


@pytest.mark.parametrize("claim", Claim)
def test_every_claim_has_a_word_that_reads_back(claim):
    assert claim_of(RESULT_WORD[claim]) is claim


@given(
    st.text(alphabet="abc _-:=.", min_size=1, max_size=8).filter(str.strip),
    st.sampled_from([word for words, claim in WORDS if claim in VERDICTS for word in words.split()]),
    st.booleans(),
)
def test_a_word_inside_another_text_is_no_verdict(extra, word, before):
    text = extra + word if before else word + extra
    assert read_result_text(text).claim not in VERDICTS or claim_of(text.strip()) in VERDICTS


@pytest.mark.parametrize(
    "line",
    ["INFO the query is unsat", "unsat sat", "not sat", "result: unsat", "Marabou says unsat", "un sat", "sat(X_0 1)"],
)
def test_a_line_of_a_log_is_no_verdict(line):
    found = read_result_text(f"{line}\n")
    assert (found.claim, found.raw) == (Claim.ERROR, line)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("result") / "result.txt"
    path.write_bytes(content)
    assert read_result_file(path).claim in Claim


def test_a_counterexample_is_what_follows_the_verdict():
    assert read_result_text("sat\n((X_0 0.5))\n").counterexample == "((X_0 0.5))\n"
    assert read_result_text("sat\n \n").counterexample is None
    assert read_result_text("unsat\n((X_0 0.5))\n").counterexample is None


@pytest.mark.parametrize("text", ["", "\n", " \r\n\n"])
def test_an_empty_file_is_an_error(text):
    assert read_result_text(text) == Answer(Claim.ERROR, "empty result file")


def test_an_empty_word_of_a_table_is_unknown():
    assert claim_of("") is Claim.UNKNOWN


@pytest.mark.parametrize("word", ["unsat", "sat"])
def test_blank_lines_hide_no_verdict(word):
    assert read_result_text(f"\n \r\n{word}\n((X_0 1))\n").claim is claim_of(word)


def test_a_missing_file_is_an_error(tmp_path):
    assert read_result_file(tmp_path / "missing").claim is Claim.ERROR


def test_raw_is_bounded():
    assert len(read_result_text("x" * 10_000).raw) == answer.RAW_LIMIT


def test_what_is_no_plain_file_is_an_error(tmp_path):
    (tmp_path / "elsewhere").write_text("unsat\n")
    (tmp_path / "link").symlink_to("elsewhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder", "pipe"):
        assert read_result_file(tmp_path / name).claim is Claim.ERROR


def test_a_huge_file_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(answer, "RESULT_LIMIT_BYTES", 10)
    (tmp_path / "result").write_text("unsat\n" + "x" * 5)
    assert read_result_file(tmp_path / "result").claim is Claim.ERROR
