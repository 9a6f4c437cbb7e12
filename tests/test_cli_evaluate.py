import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from processes import is_running, wait_for
from small_suite import small_suite
from soundbench.cli import main

from soundbench.ground_truth import Track, TwinKind

HONEST, SLOW = "test_evaluate:Honest", "fake_verifiers:Slow"
GULLIBLE, SILENT, MISSING = "fake_verifiers:SaysVerified", "fake_verifiers:Scripted", "fake_verifiers:Missing"
TESTS = Path(__file__).parent


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: small_suite(tmp_path / "suite"), raising=False)
    return tmp_path


def evaluate(*arguments):
    return CliRunner().invoke(main, ["evaluate", *arguments])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([HONEST], 0),
        ([GULLIBLE], 1),
        ([HONEST, GULLIBLE], 1),
        ([SILENT], 4),
        ([SILENT, "--min-exercised", "0"], 0),
        ([HONEST, "--min-exercised", "2"], 4),
        ([HONEST, "--limit", "1"], 4),
    ],
)
def test_exit_codes(arguments, code):
    result = evaluate(*arguments)
    assert result.exit_code == code, result.output


def test_progress_goes_to_standard_error_and_the_report_to_standard_output():
    result = evaluate(HONEST, "--out", "run")
    assert "[3/3]" in result.stderr
    assert "[3/3]" not in result.stdout
    assert "run folder: run" in result.stdout


def test_the_summary_is_written(folder):
    evaluate(HONEST, GULLIBLE, "--json", "summary.json", "--out", "run")
    honest, gullible = json.loads((folder / "summary.json").read_text())
    assert (honest["verifier"], honest["version"], honest["pairs_exercised"]) == (HONEST, "1", 1)
    (finding,) = gullible["findings"]
    assert (finding["instance"], finding["assessment"]) == ("armed", "unsound")
    assert Path(finding["evidence"], "replay.py").exists()


def test_the_default_run_folder_bears_the_time(folder):
    evaluate(HONEST)
    (run,) = (folder / "runs").iterdir()
    assert (run / "run.json").exists()


def test_the_same_command_again_runs_nothing_and_reports_the_same():
    first, second = (evaluate(HONEST, "--out", "run") for _ in range(2))
    assert "[1/" in first.stderr
    assert "[1/" not in second.stderr
    assert first.stdout == second.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-verifier"], "known: "),
        ([MISSING], f"run: soundbench verifiers install {MISSING}"),
        ([HONEST, HONEST], "twice"),
        ([HONEST, "-o", "honest.depth=1"], "no option depth"),
        ([HONEST, "--json", "no/such/folder.json"], "no/such/folder.json"),
        ([HONEST, "--json", "other"], "it is a folder"),
        ([HONEST, "--json", "/proc/summary.json"], "/proc/summary.json"),
        ([HONEST, "--out", "file"], "choose another --out"),
        ([HONEST, "--out", "other"], "choose another --out"),
        ([HONEST, "--out", "run", "--timeout", "3"], "timeout_seconds"),
        ([HONEST, "--out", "run", "--cpu-time", "3"], "cpu_seconds"),
    ],
)
def test_wrong_input_is_one_line_and_runs_nothing(folder, arguments, words):
    (folder / "file").write_text("")
    (folder / "other").mkdir()
    (folder / "other" / "thesis.tex").write_text("")
    evaluate(HONEST, "--out", "run")
    before = sorted(str(path) for path in folder.rglob("*"))
    result = evaluate(*arguments)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert result.stdout == ""
    assert sorted(str(path) for path in folder.rglob("*")) == before


@pytest.mark.parametrize("name", ["network.onnx", "clean.vnnlib"])
def test_what_could_not_be_judged_is_not_run(folder, monkeypatch, name):
    suite = small_suite(folder / "suite")
    (folder / "suite" / name).write_text("(assert")
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: suite)
    result = evaluate(HONEST, "--out", "run")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert name in result.stderr
    assert not (folder / "run").exists()
    if name == "clean.vnnlib":
        assert evaluate(HONEST, "--out", "run", "--limit", "2").exit_code == 0


@pytest.fixture
def damaged(folder, monkeypatch):
    """A suite whose last instance cannot be read, which is seen only when its turn comes."""
    monkeypatch.setattr("soundbench.readable._AT_ONCE", 1)
    suite = small_suite(folder / "suite")
    (folder / "suite" / "clean.vnnlib").write_text("(assert")
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: suite)
    return folder / "suite" / "clean.vnnlib"


def test_what_turns_out_unreadable_later_on_is_told_and_left_out(folder, damaged):
    result = evaluate(HONEST, SILENT, "--min-exercised", "0", "--jobs", "2", "--out", "run")
    assert result.exit_code == 2
    assert sorted(run_names(folder)) == ["armed", "armed", "twin", "twin"]
    reason = f"{damaged}:1: '(' is never closed; the file may be cut short, restore its end"
    told = [line for line in result.stderr.splitlines() if "clean" in line]
    assert told == [f"clean is not run, since no claim on it could be judged: {reason}"]
    assert re.search(r"^pairs exercised +1/1 +0/1$", result.stdout, re.MULTILINE)
    assert "1 instance not run, since no claim could be judged there: run/unreadable.json\n" in result.stdout
    assert "not started" not in result.stdout
    assert json.loads((folder / "run" / "unreadable.json").read_text()) == {"clean": reason}


@pytest.mark.usefixtures("damaged")
def test_an_unreadable_instance_hides_no_finding_and_is_no_fault_of_the_verifiers():
    assert evaluate(GULLIBLE, "--out", "gullible").exit_code == 1
    assert evaluate(SILENT, "--out", "silent").exit_code == 2


def test_a_run_with_an_unreadable_instance_is_gone_on_with(folder, damaged):
    first, second = (evaluate(HONEST, "--out", "run") for _ in range(2))
    assert (first.exit_code, second.exit_code) == (2, 2)
    assert "unreadable.json" in first.stdout
    assert first.stdout == second.stdout
    damaged.write_text((folder / "suite" / "twin.vnnlib").read_text())
    assert evaluate(HONEST, "--out", "run").exit_code == 0
    assert run_names(folder) == ["armed", "twin", "clean"]
    assert not (folder / "run" / "unreadable.json").exists()


@pytest.mark.usefixtures("damaged")
def test_a_budget_speaks_of_what_can_be_run():
    result = evaluate(HONEST, "--budget", "10", "--out", "run")
    assert "not started" not in result.stdout
    assert result.exit_code == 2


@pytest.mark.parametrize("new", ["X_1", "Y_2"])
def test_a_property_of_another_network_is_not_run(folder, monkeypatch, new):
    suite = small_suite(folder / "suite")
    path = folder / "suite" / "clean.vnnlib"
    path.write_text(f"(declare-const {new} Real)(assert (<= {new} 1))(assert (>= {new} 0))" + path.read_text())
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: suite)
    result = evaluate(HONEST, "--out", "run")
    assert result.exit_code == 2
    assert "network.onnx: has" in result.stderr
    assert not (folder / "run").exists()


@pytest.mark.parametrize("option", ["--timeout", "--cpu-time", "--memory", "--budget"])
@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "soon"])
def test_a_limit_is_a_positive_number(folder, option, value):
    result = evaluate(HONEST, option, value, "--out", "run")
    assert result.exit_code == 2
    assert value in result.stderr
    assert not (folder / "run").exists()


def test_a_limit_of_cpu_time_holds(folder):
    evaluate("fake_verifiers:Busy", "--cpu-time", "0.2", "--limit", "1", "--out", "run")
    (line,) = (folder / "run" / "results.jsonl").read_text().splitlines()
    assert json.loads(line)["claim"] == "timeout"
    assert json.loads(line)["ending"]["reason"] == "cpu_limit"


def test_variants_are_run_on_request(folder):
    assert "(reordered)" not in evaluate(HONEST, "--out", "plain").stderr
    result = evaluate(HONEST, "--out", "run", "--variants", "--limit", "1", "--min-exercised", "0")
    assert result.exit_code == 0, result.output
    assert f"{HONEST} armed (reordered) falsified" in result.stderr
    assert re.search(r"^variants +4$", result.stdout, re.MULTILINE)
    assert not (folder / "plain" / "variants").exists()
    assert (folder / "run" / "variants" / "reordered" / "armed.vnnlib").exists()


def known(folder, **changes):
    """A list with one entry: that the gullible verifier is unsound on the armed instance."""
    entry = {
        "verifier": f'"{GULLIBLE}"',
        "instance": '"arm*"',
        "assessment": '"unsound"',
        "reason": '"https://example.org/1"',
        "expires": "2999-12-31",
    }
    lines = (f"{key} = {value}\n" for key, value in {**entry, **changes}.items())
    (folder / "known.toml").write_text("[[known]]\n" + "".join(lines))


def test_a_known_finding_is_shown_and_does_not_fail(folder):
    known(folder)
    result = evaluate(GULLIBLE, "--allow", "known.toml", "--out", "run", "--json", "summary.json")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("known until 2999-12-31, unsound: "))
    assert line.endswith("; https://example.org/1")
    assert re.search(r"^findings +0$", result.stdout, re.MULTILINE)
    assert re.search(r"^known findings +1$", result.stdout, re.MULTILINE)
    assert f"{GULLIBLE} 1 made 1 unsound claim known already, each with a folder of evidence" in result.stdout
    (summary,) = json.loads((folder / "summary.json").read_text())
    assert summary["findings"] == []
    assert Path(summary["known"][0]["finding"]["evidence"], "replay.py").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"expires": "2001-01-01"}, "has expired on 2001-01-01 and does not count any more"),
        ({"assessment": '"false-alarm"'}, "matches no finding of this run; remove it if the bug is gone"),
        ({"instance": '"nothing"'}, "is about no instance of this run"),
        ({"verifier": '"marabou"'}, "known.toml: 1 of its 1 entries are about other verifiers or versions"),
    ],
)
def test_an_entry_that_does_not_fit_excuses_nothing_and_is_told(folder, changes, words):
    known(folder, **changes)
    result = evaluate(GULLIBLE, "--allow", "known.toml", "--out", "run")
    assert result.exit_code == 1
    assert words in result.stdout


def test_a_bad_list_is_one_line_and_runs_nothing(folder):
    known(folder, expires='"soon"')
    result = evaluate(GULLIBLE, "--allow", "known.toml", "--out", "run")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "soundbench: known.toml: entry 1: expires = 'soon': date is needed\n"
    assert not (folder / "run").exists()


@pytest.mark.parametrize(("arguments", "code"), [([], 4), (["--variants"], 1)])
def test_an_inconsistent_claim_fails(arguments, code, monkeypatch, folder):
    """Found where nothing is known of the instances, and only by variants."""
    suite = replace(small_suite(folder / "suite"), ground_truth={})
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: suite)
    result = evaluate("fake_verifiers:Wavers", "--limit", "1", *arguments)
    assert result.exit_code == code, result.output
    lines = [line for line in result.stdout.splitlines() if line.startswith("inconsistent: ")]
    assert len(lines) == len(arguments)


def test_variants_are_run_after_all_instances_and_of_the_first_only(folder):
    evaluate(HONEST, "--out", "run", "--variants", "--limit", "2")
    lines = [json.loads(line) for line in (folder / "run" / "results.jsonl").read_text().splitlines()]
    asked = [(line["instance"], line["variant"]) for line in lines]
    assert asked[:3] == [("armed", None), ("twin", None), ("armed", "reordered")]
    assert asked[-1] == ("twin", "vnnlib-2.0")
    evaluate(HONEST, "--out", "run", "--variants", "--limit", "1")
    assert len((folder / "run" / "results.jsonl").read_text().splitlines()) == len(lines)


def test_variants_are_asked_for_later_and_kept_when_they_are_not():
    evaluate(HONEST, "--out", "run")
    more = evaluate(HONEST, "--out", "run", "--variants")
    assert "keeps 3 results of an earlier start; 8 to run" in more.stderr
    again = evaluate(HONEST, "--out", "run")
    assert "[1/" not in again.stderr
    assert again.stdout == more.stdout


def levelled(root):
    """Two pairs of one form, of which one is easier, and a pair on the track `tight`."""
    plain = small_suite(root)
    armed, twin, clean = plain.instances
    instances, truth = [clean], {"clean": plain.ground_truth["clean"]}
    for pair, hardness, track in (("p", "hard", Track.MAIN), ("q", "easy", Track.MAIN), ("r", "easy", Track.TIGHT)):
        shared = {"pair": pair, "track": track, "factors": {"form": "a", "hardness": hardness}}
        for instance in (armed, twin):
            name = f"{pair}-{instance.name}"
            instances.append(replace(instance, name=name))
            known = plain.ground_truth[instance.name]
            truth[name] = replace(known, **shared, twin_kind=TwinKind.MISALIGNED)
    return replace(plain, instances=tuple(instances), ground_truth=truth)


def run_names(folder):
    lines = (folder / "run" / "results.jsonl").read_text().splitlines()
    return [json.loads(line)["instance"] for line in lines]


@pytest.mark.parametrize(
    ("level", "names", "last"),
    [
        ("smoke", ["q-armed", "q-twin", "p-armed", "p-twin", "clean"], "level smoke: 5 of the suite's 7 instances"),
        ("standard", ["q-armed", "q-twin", "p-armed", "p-twin", "clean"],
         "level standard: 5 of the suite's 7 instances"),
        ("thorough", ["q-armed", "q-twin", "p-armed", "p-twin", "clean", "r-armed", "r-twin"], None),
    ],
)  # fmt: skip
def test_levels(folder, monkeypatch, level, names, last):
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: levelled(folder / "suite"))
    result = evaluate(HONEST, "--level", level, "--out", "run")
    assert result.exit_code == 0
    assert run_names(folder) == names
    assert ("Apart, the track tight" in result.stdout) is (level == "thorough")
    assert [line for line in result.stdout.splitlines() if line.startswith("level ")] == ([last] if last else [])
    assert json.loads((folder / "run" / "run.json").read_text())["level"] == level


def test_standard_is_the_level_that_is_not_named(folder, monkeypatch):
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: levelled(folder / "suite"))
    first, second = evaluate(HONEST, "--out", "run"), evaluate(HONEST, "--level", "standard", "--out", "run")
    assert first.stdout == second.stdout


def test_the_tracks_findings_are_apart(folder, monkeypatch):
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: levelled(folder / "suite"))
    result = evaluate(GULLIBLE, "--level", "thorough", "--out", "run", "--json", "summary.json")
    assert result.exit_code == 1
    apart, _, rest = result.stdout.partition("All other instances:")
    assert "says verified of r-armed" in apart
    assert "r-armed" not in rest
    (summary,) = json.loads((folder / "summary.json").read_text())
    assert [each["instance"] for each in summary["findings"]] == ["p-armed", "q-armed"]
    assert [each["instance"] for each in summary["tight"]["findings"]] == ["r-armed"]


def test_a_limit_is_of_the_level(folder, monkeypatch):
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: levelled(folder / "suite"))
    evaluate(HONEST, "--level", "smoke", "--limit", "2", "--out", "run")
    assert run_names(folder) == ["q-armed", "q-twin"]


def test_another_level_does_not_go_on_with_a_run():
    evaluate(HONEST, "--level", "smoke", "--out", "run")
    result = evaluate(HONEST, "--out", "run")
    assert result.exit_code == 2
    assert result.stderr == (
        'soundbench: run: holds another run (level was "smoke", is "standard" now); choose another --out\n'
    )


def test_a_suite_without_pairs_has_no_smoke(folder, monkeypatch):
    plain = small_suite(folder / "suite")
    bare = replace(plain, ground_truth={"clean": plain.ground_truth["clean"]})
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: bare)
    result = evaluate(HONEST, "--level", "smoke", "--out", "run")
    assert result.exit_code == 2
    assert "use --level standard" in result.stderr
    assert not (folder / "run").exists()


def test_what_the_budget_leaves_is_told_and_run_by_the_same_command(folder, monkeypatch):
    answers = iter([True, True, False, True])
    monkeypatch.setattr("soundbench.execute.within", lambda _: lambda: next(answers))
    monkeypatch.setattr("sys.argv", ["soundbench", "evaluate", HONEST, "--budget", "10", "--out", "run"])
    command = [HONEST, "--budget", "10", "--out", "run"]
    first = evaluate(*command)
    assert first.exit_code == 0
    assert first.stdout.splitlines()[-2] == (
        f"1 of 3 tasks were not started within 10 min; go on with: soundbench evaluate {HONEST} --budget 10 --out run"
    )
    assert run_names(folder) == ["armed", "twin"]
    second = evaluate(*command)
    assert "not started" not in second.stdout
    assert second.stderr.startswith("run: keeps 2 results of an earlier start; 1 to run\n")
    assert run_names(folder) == ["armed", "twin", "clean"]


def test_a_budget_that_is_over_at_once_exercises_nothing(folder):
    result = evaluate(HONEST, "--budget", "1e-9")
    assert result.exit_code == 4
    left = next(line for line in result.stdout.splitlines() if "not started" in line)
    assert left.startswith("3 of 3 tasks were not started within 1e-09 min; go on with: soundbench ")
    (run,) = (folder / "runs").iterdir()
    assert left.endswith(f" --out runs/{run.name}")


def test_what_is_not_started_any_more_is_not_read(monkeypatch):
    read = []
    monkeypatch.setattr("soundbench.readable.Readable.check_first", lambda *_: None)
    monkeypatch.setattr("soundbench.readable.Readable.check", lambda _, instance: read.append(instance))
    assert evaluate(HONEST, "--budget", "1e-9").exit_code == 4
    assert not read


def test_kept_results_are_spoken_of():
    assert "keeps" not in evaluate(HONEST, "--out", "run", "--limit", "1").stderr
    assert evaluate(HONEST, "--out", "run").stderr.startswith("run: keeps 1 results of an earlier start; 2 to run\n")


@pytest.fixture
def started(folder, monkeypatch):
    """Starts the command line as a process, with two tasks at once of which none will end."""
    monkeypatch.setenv("FAKE_PID", str(folder / "pids"))
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
    arguments = ["evaluate", HONEST, SLOW, "--jobs", "2", "--out", "run"]
    command = [sys.executable, str(TESTS / "small_suite.py"), str(folder / "suite"), *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for(folder / "run" / "results.jsonl", 30)
    wait_for(folder / "pids", 30)
    yield process
    for pid in (folder / "pids").read_text().split():
        if is_running(int(pid)):
            os.kill(int(pid), signal.SIGKILL)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_run_leaves_no_verifier_and_tells_how_to_go_on(folder, started, number):
    started.send_signal(number)
    _, errors = started.communicate(timeout=20)
    assert started.returncode == 130
    assert not any(is_running(int(pid)) for pid in (folder / "pids").read_text().split())
    assert "Traceback" not in errors
    last = errors.splitlines()[-1]
    assert last.startswith("stopped with ")
    assert last.endswith(f"soundbench evaluate {HONEST} {SLOW} --jobs 2 --out run")


def test_a_killed_run_goes_on_where_it_was(folder, monkeypatch):
    monkeypatch.setenv("FAKE_PID", str(folder / "pids"))
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
    arguments = ["evaluate", HONEST, SLOW, "-o", "slow.seconds=0.5", "--out", "run", "--json", "summary.json"]
    command = [sys.executable, str(TESTS / "small_suite.py"), str(folder / "suite"), *arguments]
    for lines in (1, 3):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        while len((wait_for(folder / "run" / "results.jsonl", 30)).splitlines()) < lines:
            pass
        process.kill()
        process.wait()
    before = (folder / "run" / "results.jsonl").read_text()
    (folder / "run" / "results.jsonl").open("a").write('{"verifier": "torn')
    result = evaluate(*arguments[1:])
    after = (folder / "run" / "results.jsonl").read_text()
    assert result.exit_code == 4
    assert after.startswith(before)
    tasks = [(line["verifier"], line["instance"]) for line in map(json.loads, after.splitlines())]
    assert len(tasks) == len(set(tasks)) == 6
    assert [each["instances"] for each in json.loads((folder / "summary.json").read_text())] == [3, 3]
