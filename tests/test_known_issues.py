"""Which findings a list of known issues names, and what is wrong with a list."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.errors import InputError
from soundbench.judge import FINDINGS, Assessment
from soundbench.known_issues import KnownIssue, read_known_issues

ISSUE = KnownIssue("marabou", "tanh-*", Assessment.UNSOUND, "https://example.org/1", date(2027, 3, 1))
ENTRY = {
    "verifier": '"marabou==2.0.0"',
    "instance": '"tanh-*"',
    "assessment": '"unsound"',
    "reason": '"https://example.org/1"',
    "expires": "2027-03-01",
}


def listing(*entries):
    return "\n".join("[[known]]\n" + "".join(f"{key} = {value}\n" for key, value in each.items()) for each in entries)


def without(key):
    return {name: value for name, value in ENTRY.items() if name != key}


def test_a_list_is_read(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text(listing(ENTRY, ENTRY | {"verifier": '"marabou"', "assessment": '"inconsistent"'}))
    first, second = read_known_issues(path)
    assert (first.verifier, first.instance, first.assessment) == ("marabou==2.0.0", "tanh-*", Assessment.UNSOUND)
    assert (first.reason, first.expires) == ("https://example.org/1", date(2027, 3, 1))
    assert second.assessment is Assessment.INCONSISTENT


def test_a_list_may_have_shrunk_to_nothing(tmp_path):
    (tmp_path / "known.toml").write_text("# all is mended\n")
    assert read_known_issues(tmp_path / "known.toml") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *((listing(ENTRY, without(key)), f"entry 2: the key '{key}' is missing") for key in ENTRY),
        (listing(ENTRY | {"expires": '"2027-03-01"'}), "entry 1: expires = '2027-03-01': date is needed"),
        (listing(ENTRY | {"expires": "2027-03-01T10:00:00"}), "date is needed"),
        (listing(ENTRY | {"assessment": '"wrong"'}), "not one of correct, unsound"),
        (listing(ENTRY | {"assessment": '"ground-truth-refuted"'}), "entry 1: ground-truth-refuted cannot be allowed"),
        (listing(ENTRY | {"assessment": '"correct"'}), "correct cannot be allowed; only bad-witness, false-alarm, inc"),
        (listing(ENTRY | {"instance": "7"}), "instance = 7: str is needed"),
        (listing(ENTRY, ENTRY | {"reason": '" "'}), "entry 2: reason must not be empty"),
        (listing(ENTRY | {"until": "2027-03-01"}), "entry 1: unknown key 'until'"),
        ("[known]\nverifier = 'marabou'", r"write each as a \[\[known\]\] table"),
        ("[[knwon]]", r"unknown key 'knwon'; a list has \[\[known\]\] tables"),
        ("[[known]", "not a readable list of known issues"),
    ],
)  # fmt: skip
def test_a_bad_list_is_one_line_that_names_file_and_entry(tmp_path, text, words):
    path = tmp_path / "known.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as error:
        read_known_issues(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"a = " + b"[" * 5000])
def test_an_unreadable_list_is_one_line(tmp_path, content):
    path = tmp_path / "known.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"known\.toml: (no such|not a readable) list of known issues"):
        read_known_issues(path)


@pytest.mark.parametrize("assessment", Assessment)
def test_only_findings_that_accuse_a_verifier_can_be_allowed(tmp_path, assessment):
    path = tmp_path / "known.toml"
    path.write_text(listing(ENTRY | {"assessment": f'"{assessment}"'}))
    if assessment in FINDINGS and assessment is not Assessment.REFUTED:
        assert read_known_issues(path)[0].assessment is assessment
    else:
        with pytest.raises(InputError, match="cannot be allowed"):
            read_known_issues(path)


@pytest.mark.parametrize(
    ("entry", "label", "version", "is_about"),
    [
        ("marabou", "marabou", "2.0.0", True),
        ("marabou", "marabou==2.0.0", "2.0.0", True),
        ("marabou==2.0.0", "marabou", "2.0.0", True),
        ("marabou==2.0.0", "marabou==2.0.0", "2.0.0", True),
        ("marabou==1.0.0", "marabou", "2.0.0", False),
        ("marabou==2.0", "marabou", "2.0.0", False),
        ("mara", "marabou", "2.0.0", False),
        ("marabou", "mara", "2.0.0", False),
        ("my_verifier:Mine", "my_verifier:Mine", "class-0123", True),
        ("Mine", "my_verifier:Mine", "class-0123", False),
        ("vnncomp:a/b", "vnncomp:a/b", "", True),
        ("marabou[tightening=sbt]", "marabou[tightening=sbt]", "2.0.0", True),
        ("marabou==2.0.0[tightening=sbt]", "marabou[tightening=sbt]", "2.0.0", True),
        ("marabou", "marabou[tightening=sbt]", "2.0.0", False),
    ],
)
def test_an_entry_is_about_a_verifier_or_one_version_of_it(entry, label, version, is_about):
    assert KnownIssue(entry, "a", Assessment.UNSOUND, "r", date.max).is_about(label, version) is is_about


@pytest.mark.parametrize(
    ("pattern", "instance", "names"),
    [
        ("tanh-1", "tanh-1", True),
        ("tanh-1", "tanh-11", False),
        ("tanh-1", "Tanh-1", False),
        ("tanh-*", "tanh-far-1", True),
        ("*-armed", "tanh-far-1", False),
        ("tanh-?", "tanh-7", True),
        ("odd[1]", "odd[1]", True),
        ("odd[1]", "odd1", True),
    ],
)
def test_an_entry_names_an_instance_or_a_pattern(pattern, instance, names):
    assert KnownIssue("v", pattern, Assessment.UNSOUND, "r", date.max).names(instance) is names


@given(st.text(max_size=12))
def test_a_name_names_itself_whatever_is_in_it(name):
    assert KnownIssue("v", name, Assessment.UNSOUND, "r", date.max).names(name)


@given(st.dates(), st.integers(-1000, 1000))
def test_an_entry_counts_on_its_last_day_and_not_after_it(expires, days):
    issue = KnownIssue("v", "i", Assessment.UNSOUND, "r", expires)
    try:
        today = expires + timedelta(days=days)
    except OverflowError:
        return
    assert issue.has_expired(today) is (days > 0)


def test_names_of_verifiers_do_not_run_into_versions():
    labels, versions = ("a", "a==1", "a==1==1"), ("1", "1==1")
    for label, version in product(labels, versions):
        assert not KnownIssue("b", "i", Assessment.UNSOUND, "r", date.max).is_about(label, version)
