"""What a suite catches is counted where it means something, and told with what it does not."""

import json
from dataclasses import replace

import pytest
from fake_verifiers import SaysVerified, Scripted
from rich.console import Console
from small_suite import GROUND_TRUTH, small_suite
from test_evaluate import Honest

from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.ground_truth import GroundTruth, TwinKind
from soundbench.power import Reply, Standing, Suspect, Trial, counted_instances, measure_power, recorded, try_verifiers
from soundbench.power_journal import open_power_journal, parse_line
from soundbench.power_report import conclusions, draw, exit_code, render, shares, to_json, weakest_caught

STRONG, WEAK, OTHER = Suspect("lost", 0.5), Suspect("lost", 0.1), Suspect("swap", 1.0)
SUSPECTS = (STRONG, WEAK, OTHER)
SOUND = {"armed": Claim.FALSIFIED, "twin": Claim.VERIFIED, "clean": Claim.TIMEOUT}
SECOND = {f"second {name}": replace(truth, pair="q") for name, truth in GROUND_TRUTH.items() if truth.pair}
TRUTH = {**GROUND_TRUTH, **SECOND}


def trial(name: str, sound: Claim, **faulty: Claim) -> Trial:
    suspects = {"strong": STRONG, "weak": WEAK, "other": OTHER}
    return Trial(name, Reply(sound, 1.0), {suspects[each]: Reply(claim, 2.0) for each, claim in faulty.items()})


def trials(**faulty: dict[str, Claim]) -> list[Trial]:
    """Of the three instances of the small suite."""
    return [trial(name, sound, **faulty.get(name, {})) for name, sound in SOUND.items()]


VERIFIED = {"strong": Claim.VERIFIED}


def standing(tried: list[Trial], suspect: Suspect = STRONG) -> Standing:
    power = measure_power(TRUTH, tried, SUSPECTS)
    return next(each.standing for each in power.measured if each.suspect == suspect)


def test_verified_of_an_armed_instance_is_caught():
    assert standing(trials(armed=VERIFIED)) is Standing.CAUGHT


def test_verified_where_there_is_nothing_to_catch_escapes():
    """Of a clean box of which the sound verifier does not know."""
    assert standing(trials(clean=VERIFIED)) is Standing.ESCAPES


@pytest.mark.parametrize("claim", [each for each in Claim if each is not Claim.VERIFIED])
def test_whatever_else_a_suspect_says_is_no_lie(claim: Claim):
    assert standing(trials(armed={"strong": claim}, twin={"strong": claim})) is Standing.HARMLESS


def test_what_is_never_run_is_not_exercised():
    assert standing(trials(armed=VERIFIED), OTHER) is Standing.NOT_EXERCISED


@pytest.mark.parametrize("claim", [Claim.TIMEOUT, Claim.FALSIFIED, Claim.ERROR])
def test_a_pair_whose_twin_is_not_proven_counts_for_nothing(claim: Claim):
    tried = [replace(each, sound=Reply(claim, 1.0)) if each.instance == "twin" else each for each in trials()]
    assert counted_instances(TRUTH, tried) == ()
    lying = [replace(each, replies={STRONG: Reply(Claim.VERIFIED, 1.0)}) for each in tried]
    assert standing(lying) is Standing.ESCAPES


@pytest.mark.parametrize(("claim", "counts"), [(Claim.UNSUPPORTED, 0), (Claim.ERROR, 0), (Claim.TIMEOUT, 1)])
def test_an_armed_instance_that_cannot_be_read_counts_for_nothing(claim: Claim, counts: int):
    tried = [replace(each, sound=Reply(claim, 1.0)) if each.instance == "armed" else each for each in trials()]
    assert len(counted_instances(TRUTH, tried)) == counts


def test_a_twin_of_another_pair_does_not_count():
    tried = [trial("armed", Claim.FALSIFIED), trial("second twin", Claim.VERIFIED)]
    assert counted_instances(TRUTH, tried) == ()


def test_any_kind_of_twin_will_do():
    for kind in TwinKind:
        truth = {**TRUTH, "twin": replace(TRUTH["twin"], twin_kind=kind)}
        assert counted_instances(truth, trials()) == ("armed",)


def test_nothing_is_known_of_an_instance_without_ground_truth():
    assert counted_instances({}, trials(armed=VERIFIED)) == ()


def test_agreement_is_over_all_instances():
    power = measure_power(TRUTH, trials(armed=VERIFIED, twin={"strong": Claim.TIMEOUT}), SUSPECTS)
    assert [each.agreement for each in power.measured] == [pytest.approx(1 / 3), 1.0, 1.0]
    assert [each.run for each in power.measured] == [2, 0, 0]


def test_seconds_are_counted_until_it_is_caught():
    tried = [trial("twin", Claim.VERIFIED), *trials(armed=VERIFIED), trial("second twin", Claim.VERIFIED)]
    strong, weak, _ = measure_power(TRUTH, tried, SUSPECTS).measured
    assert strong.seconds == 3.0
    assert weak.seconds is None


def test_the_weakest_strength_that_is_caught():
    both = {"strong": Claim.VERIFIED, "weak": Claim.VERIFIED}
    for said, weakest in (({}, None), (VERIFIED, STRONG), (both, WEAK)):
        rows = measure_power(TRUTH, trials(armed=said), SUSPECTS).by_fault()["lost"]
        found = weakest_caught(rows)
        assert (found and found.suspect) == weakest


def test_verifiers_of_any_kind_are_measured(tmp_path):
    """Processes of their own: one that answers rightly, one that always says verified, one that knows nothing."""
    suite = small_suite(tmp_path)
    faulty = {STRONG: SaysVerified(), OTHER: Scripted()}
    tried = [try_verifiers(instance, Honest(), faulty, timeout_seconds=20.0) for instance in suite.instances]
    strong, other = measure_power(suite.ground_truth, tried, list(faulty)).measured
    assert strong.caught == ("armed",)
    assert strong.agreement == pytest.approx(2 / 3)
    assert (other.standing, other.agreement) == (Standing.HARMLESS, 0.0)


def two_pairs() -> list[Trial]:
    """The first armed instance catches one fault, the second both."""
    return [
        trial("armed", Claim.FALSIFIED, strong=Claim.VERIFIED),
        trial("twin", Claim.VERIFIED),
        trial("second armed", Claim.TIMEOUT, strong=Claim.VERIFIED, other=Claim.VERIFIED),
        trial("second twin", Claim.VERIFIED),
    ]


def test_the_smallest_set_catches_all_that_is_caught():
    power = measure_power(TRUTH, two_pairs(), SUSPECTS)
    assert power.smallest == ("second armed",)
    assert power.counted == ("armed", "second armed")


def test_the_report_says_what_escapes_and_what_was_not_exercised():
    console = Console(width=100)
    power = measure_power(TRUTH, trials(clean=VERIFIED), SUSPECTS)
    with console.capture() as capture:
        render(power, console)
    rows = capture.get().splitlines()
    assert rows[1].split() == ["lost", "0.5", "1", "67", "%", "1", "0", "escapes"]
    assert rows[2].split() == ["swap", "1", "0", "100", "%", "0", "0", "not", "exercised"]
    assert list(conclusions(power)) == [
        "1 of 3 instances can catch: armed, with a proven twin",
        "0 of 2 faults are caught",
        "escapes: lost",
        "not exercised: swap",
    ]
    assert exit_code(power) == 1
    assert exit_code(measure_power(TRUTH, trials(armed=VERIFIED), SUSPECTS)) == 0
    assert exit_code(measure_power(TRUTH, trials(), SUSPECTS)) == 1


def test_the_json_has_a_line_a_strength():
    content = json.loads(json.dumps(to_json(measure_power(TRUTH, two_pairs(), SUSPECTS))))
    assert [(each["name"], each["strength"], each["detected"]) for each in content["faults"]] == [
        ("lost", 0.5, True),
        ("lost", 0.1, False),
        ("swap", 1.0, True),
    ]
    assert content["faults"][0]["instances"] == ["armed", "second armed"]
    assert content["smallest"] == ["second armed"]


def with_factors() -> dict[str, GroundTruth]:
    changed = {name: {"form": "or" if name.startswith("second") else "and", "place": "corner"} for name in TRUTH}
    return {name: replace(truth, factors=changed[name]) for name, truth in TRUTH.items()}


def test_of_instances_that_were_not_tried_what_is_recorded_is_kept():
    before = {name: replace(truth, catches=("lost",)) for name, truth in TRUTH.items()}
    tried = trials(armed={"strong": Claim.TIMEOUT})
    after = recorded(before, measure_power(TRUTH, tried, SUSPECTS), tried)
    assert {name for name, truth in after.items() if truth.catches} == TRUTH.keys() - {each.instance for each in tried}


def test_what_is_caught_is_recorded_and_faults_not_measured_are_kept():
    before = {**TRUTH, "armed": replace(TRUTH["armed"], catches=("elsewhere", "swap"))}
    after = recorded(before, measure_power(TRUTH, two_pairs(), SUSPECTS), two_pairs())
    assert after["armed"].catches == ("elsewhere", "lost")
    assert after["second armed"].catches == ("lost", "swap")
    assert after["twin"] == before["twin"]


def test_shares_are_of_the_instances_that_have_a_value():
    found = shares(measure_power(TRUTH, two_pairs(), SUSPECTS), with_factors())
    assert found == {
        "form and": {"lost": 1.0, "swap": 0.0},
        "form or": {"lost": 1.0, "swap": 1.0},
        "place corner": {"lost": 1.0, "swap": 0.5},
    }


def test_a_map_is_drawn(tmp_path):
    power = measure_power(TRUTH, two_pairs(), SUSPECTS)
    draw(power, with_factors(), tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    for name in ("map.nonsense", "missing/map.png"):
        with pytest.raises(InputError, match=r"cannot be drawn .* name a \.png"):
            draw(power, with_factors(), tmp_path / name)


def test_a_journal_goes_on_where_it_ended(tmp_path):
    with open_power_journal(tmp_path / "new", ["suite", 1]) as journal:
        for each in two_pairs():
            journal.append(each)
        path = journal.path
        with (
            pytest.raises(InputError, match="another process measures the same"),
            open_power_journal(tmp_path / "new", ["suite", 1]),
        ):
            pass
    path.write_bytes(path.read_bytes()[:-5])
    with open_power_journal(tmp_path / "new", ["suite", 1]) as journal:
        assert list(journal.trials.values()) == two_pairs()[:-1]
    with open_power_journal(tmp_path / "new", ["suite", 2]) as journal:
        assert not journal.trials


@pytest.mark.parametrize("line", [b"", b"1\n", b"{}\n", b'{"instance": "a", "sound": {"claim": "sure"}}\n'])
def test_a_damaged_line_is_no_trial(line: bytes):
    assert parse_line(line) is None
