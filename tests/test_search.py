"""What nothing in a suite reveals is looked for in suites with other seeds, which are made once."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from planted import SEED, TINY, make_suite, read, write
from trials import OTHER, STRONG, SUSPECTS, TRUTH, UNKNOWN_TRUTH, VERIFIED, WEAK, trial, trials

from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.ground_truth import Role
from soundbench.power import measure_power
from soundbench.power_report import exit_code, table, to_json
from soundbench.search import Search, Sighting, armed_instances, further_suites, gone_on, wanted
from soundbench.search_report import conclusions_of_search
from soundbench.suite import load_suite


def test_wanted_is_who_is_live_nowhere_at_any_strength():
    def faults(tried, truth=TRUTH):
        return wanted(measure_power(truth, tried, SUSPECTS))

    assert faults(trials()) == (STRONG, OTHER)
    assert faults(trials(armed=VERIFIED)) == (OTHER,)
    weak_alone = trials(clean={"strong": Claim.UNKNOWN, "weak": Claim.VERIFIED})
    assert faults(weak_alone, UNKNOWN_TRUTH) == (OTHER,)
    assert faults(weak_alone) == (STRONG, OTHER), "a right proof is no reason not to look"


@pytest.fixture
def suite(tiny_suite):
    return load_suite(tiny_suite)


def test_further_suites_are_of_the_suites_own_recipe_and_the_seeds_after_its_own(suite, tmp_path):
    first, second = further_suites(suite, None, 2, tmp_path / "out")
    assert [each.source.seed for each in (first, second)] == [SEED + 1, SEED + 2]
    assert first.source.text == TINY
    assert first.folder != second.folder
    assert {first.folder.parent, second.folder.parent} == {tmp_path / "out"}
    assert not first.is_there
    assert [each.folder for each in further_suites(suite, None, 1, tmp_path / "out")] == [first.folder]


def test_a_suite_of_another_recipe_has_another_folder(suite, tmp_path):
    recipe = tmp_path / "other.toml"
    recipe.write_text(TINY.replace("reads = 10", "reads = 9"))
    (own,), (other,) = (further_suites(suite, each, 1, tmp_path) for each in (None, recipe))
    assert other.source.text == recipe.read_text()
    assert other.folder != own.folder


@pytest.mark.parametrize(
    ("made_by", "message"),
    [
        ({"recipe": None}, "suite.json: holds no recipe to make suites from; name one with --recipe"),
        ({"recipe": ["text"]}, "suite.json: holds no recipe"),
        ({"recipe": "name = "}, "not a readable recipe"),
        ({"recipe": 'name = "trained"\nversion = "1"\n'}, "no networks in it"),
    ],
)
def test_a_suite_without_a_recipe_that_can_be_used_is_told(suite_copy, tmp_path, made_by, message):
    write(suite_copy, "suite.json", {**read(suite_copy, "suite.json"), **made_by})
    with pytest.raises(InputError, match=message):
        list(further_suites(load_suite(suite_copy), None, 1, tmp_path / "out"))


def test_a_suite_without_a_seed_is_followed_by_the_first(suite_copy, tmp_path):
    manifest = read(suite_copy, "suite.json")
    del manifest["seed"]
    write(suite_copy, "suite.json", manifest)
    (further,) = further_suites(load_suite(suite_copy), None, 1, tmp_path)
    assert further.source.seed == 1


def test_a_folder_that_cannot_be_written_is_told(suite, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written .* name another folder with --out"):
        list(further_suites(suite, None, 1, tmp_path / "file"))


def test_what_is_there_is_not_made_again(suite, tmp_path):
    (further,) = further_suites(suite, None, 1, tmp_path)
    make_suite(tmp_path, further.folder.name, seed=SEED + 1)
    assert further.is_there


def test_only_what_is_known_to_be_violated_is_searched(suite):
    names = {each.name for each in armed_instances(suite)}
    assert names == {name for name, each in suite.ground_truth.items() if each.role is Role.ARMED}
    assert len(names) == 3
    assert armed_instances(replace(suite, ground_truth={})) == ()


def test_the_first_sighting_counts(suite, tmp_path):
    (further,) = further_suites(suite, None, 1, tmp_path)
    tried = [
        trial("a", Claim.FALSIFIED, strong=Claim.TIMEOUT, other=Claim.VERIFIED),
        trial("b", Claim.TIMEOUT, strong=Claim.VERIFIED, other=Claim.VERIFIED),
    ]
    start = Search({STRONG: 0, WEAK: 1}, {WEAK: Sighting("elsewhere", SEED, tmp_path)}, (SEED,), 9)
    assert gone_on(start, further, 3, tried) == Search(
        run={STRONG: 2, WEAK: 1},
        seen={WEAK: Sighting("elsewhere", SEED, tmp_path), STRONG: Sighting("b", SEED + 1, further.folder)},
        seeds=(SEED, SEED + 1),
        instances=12,
    )


SEEN = Search({STRONG: 5, OTHER: 2}, {OTHER: Sighting("a", 8, Path("runs/tiny-8"))}, (7, 8), 12)


def test_the_reader_sees_where_a_fault_was_seen_and_how_many_instances_have_not_revealed_it():
    assert list(conclusions_of_search(SEEN)) == [
        "revealed by one of 12 generated armed instances (seeds: 7, 8), and by none that was run here: swap",
        "not revealed by any of 12 generated armed instances (seeds: 7, 8): lost (touches 5)",
    ]
    assert list(conclusions_of_search(Search({}, {}, (), 0))) == [
        "nothing to search for: every fault is live on some instance"
    ]
    power = measure_power(TRUTH, trials(), SUSPECTS)
    assert list(table(power, SEEN).columns[-1].cells) == ["none of 5", "a (seed 8)"]
    assert table(power).columns[-1].header == "weakest"


def test_the_json_says_it_of_those_who_were_looked_for():
    power = measure_power(TRUTH, trials(), SUSPECTS)
    lost, weak, swap = (each["search"] for each in json.loads(json.dumps(to_json(power, SEEN)))["faults"])
    assert lost == {"revealed_by": None, "run": 5, "instances": 12, "seeds": [7, 8]}
    assert weak is None
    assert swap["revealed_by"] == {"instance": "a", "seed": 8, "suite": "runs/tiny-8"}
    assert all("search" not in each for each in to_json(power)["faults"])


def test_a_fault_that_others_reveal_is_missed_by_the_suite():
    power = measure_power(TRUTH, trials(armed=VERIFIED), SUSPECTS)
    assert exit_code(power, replace(SEEN, seen={})) == 0
    assert exit_code(power, SEEN) == 1
