"""What a suite catches is summed up over its instances, kept while it is measured, recorded, and told."""

import json
from dataclasses import replace

import pytest
from fake_verifiers import SaysVerified, Scripted
from rich.console import Console
from small_suite import small_suite
from test_evaluate import Honest
from trials import OTHER, STRONG, SUSPECTS, TRUTH, UNKNOWN_TRUTH, VERIFIED, WEAK, trial, trials, two_pairs

from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.ground_truth import GroundTruth, TwinKind
from soundbench.instance import Instance
from soundbench.power import counted_instances, measure_power, recorded
from soundbench.power_journal import asked, open_power_journal, parse_line
from soundbench.power_report import conclusions, draw, exit_code, render, shares, standings, to_json, weakest_caught
from soundbench.standing import LEAST_INSTANCES, Standing
from soundbench.trial import Suspect, every_strength, suspects_of, try_verifiers


def test_the_instances_that_count_and_the_controls_are_told_apart():
    truth = {**TRUTH, "second twin": replace(TRUTH["second twin"], twin_kind=TwinKind.SCALED)}
    power = measure_power(truth, two_pairs(), SUSPECTS)
    assert (power.counted, power.controls) == (("armed",), ("second armed",))
    assert counted_instances(truth, two_pairs()) == ("armed",)
    assert {fault: each.standing for fault, each in power.faults().items()} == {
        "lost": Standing.CAUGHT,
        "swap": Standing.CONTROLS_ONLY,
    }
    assert power.chosen == ("armed",)


def test_a_fault_stands_by_its_strongest_suspect_that_is_caught_or_by_its_strongest():
    def stands_by(tried):
        return measure_power(TRUTH, tried, SUSPECTS).faults()["lost"].suspect

    assert stands_by(trials(armed=VERIFIED)) == STRONG
    assert stands_by(trials()) == STRONG
    crude = [trial("clean", Claim.TIMEOUT, strong=Claim.VERIFIED)] * LEAST_INSTANCES
    assert stands_by([*trials(armed={"strong": Claim.VERIFIED, "weak": Claim.VERIFIED}), *crude]) == WEAK


def test_the_suspects_asked_for_come_in_the_order_in_which_they_are_known():
    class Fault:
        def __init__(self, name: str, *strengths: float) -> None:
            self.name, self.strengths = name, strengths

    known = [Fault("lost", 0.5, 0.1), Fault("swap", 1.0), Fault("other", 1.0)]
    asked_for = [Fault("swap", 1.0), Fault("lost", 0.1), Fault("lost", 0.5), Fault("swap", 1.0)]
    assert suspects_of(asked_for, known) == (STRONG, WEAK, OTHER)
    assert every_strength(known) == ("lost@0.5", "lost@0.1", "swap@1.0", "other@1.0")


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
    assert (other.standing, other.agreement) == (Standing.LOOSER, 0.0)


def test_the_smallest_set_catches_all_that_is_caught():
    power = measure_power(TRUTH, two_pairs(), SUSPECTS)
    assert (power.chosen, power.is_smallest) == (("second armed",), True)
    assert power.counted == ("armed", "second armed")


def shown(power, width: int) -> list[str]:
    console = Console(width=width)
    with console.capture() as capture:
        render(power, console)
    return capture.get().splitlines()


def test_the_report_is_a_table_then_who_stands_how_then_what_it_comes_to():
    power = measure_power(UNKNOWN_TRUTH, trials(clean=VERIFIED), SUSPECTS)
    rows = shown(power, 200)
    assert rows[1].split() == ["lost", "0.5", "escapes", "1", "66", "%", "0", "%", "1", "0", "0"]
    assert rows[2].split() == ["swap", "1", "not", "exercised", "0", "100", "%", "0", "0", "0"]
    assert list(standings(power)) == ["escapes: lost", "not exercised: swap"]
    assert list(conclusions(power)) == [
        "1 of 3 instances can catch: armed members of pairs that the sound verifier exercises",
        "on fewer than 10 instances no fault is found too crude",
        "0 of 2 faults are caught",
    ]
    assert rows[3:] == ["", *standings(power), *conclusions(power)]


def test_where_a_terminal_is_narrow_nothing_is_left_out():
    power = measure_power(TRUTH, two_pairs(), SUSPECTS)
    assert shown(power, 30) == shown(power, 200)


def test_the_set_of_instances_is_called_smallest_only_if_it_is():
    power = measure_power(TRUTH, two_pairs(), SUSPECTS)
    assert list(conclusions(power))[-1] == ("a smallest set of instances that catches all of these (1): second armed")
    *_, last = conclusions(replace(power, is_smallest=False))
    assert last.startswith("a small, though perhaps not smallest, set of instances that catches all of these (1): ")


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ({Standing.CAUGHT, Standing.EQUIVALENT, Standing.LOOSER, Standing.FALSE_ALARMS, Standing.NOT_EXERCISED}, 0),
        ({Standing.EQUIVALENT, Standing.NOT_EXERCISED}, 1),
        ({Standing.CAUGHT, Standing.ESCAPES}, 1),
        ({Standing.CAUGHT, Standing.CONTROLS_ONLY}, 1),
        ({Standing.CAUGHT, Standing.TOO_CRUDE}, 1),
    ],
)
def test_the_exit_code_is_0_if_what_is_live_is_caught(faults: set[Standing], code: int):
    power = measure_power(TRUTH, trials(armed=VERIFIED), SUSPECTS[:1])
    (found,) = power.measured
    others = tuple(
        replace(found, suspect=Suspect(standing, 1.0), standing=standing, caught=()) for standing in sorted(faults)
    )
    assert exit_code(replace(power, measured=others)) == code


def test_the_json_has_a_line_a_strength():
    content = json.loads(json.dumps(to_json(measure_power(TRUTH, two_pairs(), SUSPECTS))))
    assert [(each["name"], each["strength"], each["detected"]) for each in content["faults"]] == [
        ("lost", 0.5, True),
        ("lost", 0.1, False),
        ("swap", 1.0, True),
    ]
    assert content["faults"][0]["instances"] == ["armed", "second armed"]
    assert [each["standing"] for each in content["faults"]] == ["caught", "not run", "caught"]
    assert [each["stands_for_fault"] for each in content["faults"]] == [True, False, True]
    assert (content["smallest"], content["is_smallest"]) == (["second armed"], True)


def test_the_weakest_strength_that_is_caught_is_shown_as_it_is_asked_for():
    power = measure_power(TRUTH, trials(armed={"strong": Claim.VERIFIED, "weak": Claim.VERIFIED}), SUSPECTS)
    assert shown(power, 200)[1].split()[-1] == "0.1"
    exact = Suspect("lost", 2.0**-20)
    found = replace(power, measured=(replace(power.measured[0], suspect=exact),))
    assert shown(found, 200)[1].split()[1] == "9.5367431640625e-07"


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


def test_what_is_caught_on_controls_only_or_too_crude_is_not_recorded():
    scaled = {name: replace(truth, twin_kind=truth.twin_kind and TwinKind.SCALED) for name, truth in TRUTH.items()}
    before = {name: replace(truth, catches=("lost",)) for name, truth in scaled.items()}
    after = recorded(before, measure_power(before, two_pairs(), SUSPECTS), two_pairs())
    assert {name for name, truth in after.items() if truth.catches} == {"clean"}
    crude = [*two_pairs(), *(trial(f"clean {n}", Claim.TIMEOUT, strong=Claim.ERROR) for n in range(LEAST_INSTANCES))]
    after = recorded(TRUTH, measure_power(TRUTH, crude, SUSPECTS), crude)
    assert {name: truth.catches for name, truth in after.items() if truth.catches} == {"second armed": ("swap",)}


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


def test_what_is_asked_is_known_by_the_files_and_not_by_what_is_known_of_the_answers(tmp_path):
    first, second, _ = small_suite(tmp_path).instances
    before = asked([first, second])
    assert json.loads(json.dumps(before)) == before
    assert asked([first]) == before[:1]
    assert asked([replace(first, timeout_seconds=21.0), second]) != before
    first.vnnlib.write_text(first.vnnlib.read_text() + "; a remark\n")
    changed = asked([first, second])
    assert changed[0] != before[0]
    assert changed[1] == before[1]
    with pytest.raises(InputError, match="not readable"):
        asked([Instance("missing", tmp_path / "missing", tmp_path / "missing", 1.0)])
