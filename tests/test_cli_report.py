import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_verifiers import Scripted, writes
from small_suite import small_suite
from soundbench.cli import main

from soundbench.ground_truth import Expected
from soundbench.option import Option

HONEST, GULLIBLE = "test_evaluate:Honest", "fake_verifiers:SaysVerified"
ATTACKER, RUDE = "test_cli_report:Attacker", "test_cli_report:Rude"


class Attacker(Scripted):
    """Says nothing but with its attack."""

    name = "attacker"
    options = (Option("attack", True, "whether it attacks"),)

    @property
    def script(self) -> str:
        return writes("sat\n((X_0 0.75))" if self.settings["attack"] else "unknown\n")


class Rude(Scripted):
    """Gives up in words that would break a table, and a page."""

    name = "rude"
    script = writes("error,a | b ` <b>bold</b> \x1b[31m\n")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: small_suite(tmp_path / "suite"), raising=False)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, [*arguments])


def evaluated(*arguments, out="run"):
    return run("evaluate", *arguments, "--out", out)


def test_what_could_not_be_run_is_told_again(folder):
    evaluated(HONEST)
    assert "unreadable" not in run("report", "run").stdout
    (folder / "run" / "unreadable.json").write_text('{"other": "other.vnnlib:1: damaged"}')
    told = "run/unreadable.json: instances that were not run, since no claim on them could be judged\n"
    assert run("report", "run").stdout.endswith(told)


def table_of(page: str) -> dict[str, list[str]]:
    """The rows of the page's table of numbers, by their labels."""
    part = page.partition("## What came of it")[2].partition("\n- ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    return {label: cells for label, *cells in rows}


def test_a_finished_run_is_reported_as_it_was_and_left_alone(folder):
    first = evaluated(HONEST, GULLIBLE)
    before = {path: path.read_bytes() for path in (folder / "run").rglob("*") if path.is_file()}
    again = run("report", "run", "--json", "summary.json")
    assert again.exit_code == 0
    assert again.stdout == first.stdout.replace("run folder: run\n", "")
    assert {path: path.read_bytes() for path in (folder / "run").rglob("*") if path.is_file()} == before
    assert [each["verifier"] for each in json.loads((folder / "summary.json").read_text())] == [HONEST, GULLIBLE]


def test_the_page_holds_numbers_answers_and_evidence(folder):
    evaluated(HONEST, GULLIBLE)
    assert run("report", "run", "--out", "docs.md").exit_code == 0
    page = (folder / "docs.md").read_text()
    table = table_of(page)
    assert table[""] == [f"{HONEST} 1", f"{GULLIBLE} 1"]
    assert (table["pairs exercised"], table["unsound"]) == (["1/1", "1/1"], ["0", "1"])
    links = re.findall(r"\]\((docs/.*?)\)", page)
    assert all((folder / link).exists() for link in links)
    tables = [(folder / link).read_text().splitlines() for link in links if link.endswith(".csv")]
    assert [[line.split(",")[4] for line in lines] for lines in tables] == [["sat", "unsat", "unsat"], ["unsat"] * 3]
    (evidence,) = [folder / link for link in links if not link.endswith(".csv")]
    ran = subprocess.run([sys.executable, evidence / "replay.py"], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() in page
    assert "the property is violated: True" in ran.stdout


def test_a_page_of_several_runs_tells_them_apart(folder):
    evaluated(HONEST, out="one")
    evaluated(HONEST, "--timeout", "9", out="two")
    assert run("report", "one", "two", "--out", "docs.md").exit_code == 0
    page = (folder / "docs.md").read_text()
    assert table_of(page)[""] == [f"{HONEST} 1 (one)", f"{HONEST} 1 (two)"]
    assert len(list((folder / "docs").glob("*.csv"))) == 2
    assert "None: no verifier contradicted what is proven." in page


@pytest.mark.parametrize("labels", [[f"{ATTACKER}[attack=false]"], [ATTACKER, f"{ATTACKER}[attack=false]"]])
def test_attack_on_and_off_stand_side_by_side(folder, labels):
    evaluated(*labels)
    run("report", "run", "--out", "docs.md")
    page = (folder / "docs.md").read_text()
    assert table_of(page)["counterexamples found"] == ["1/1", "0/1"][-len(labels) :]
    assert ("was run with its own attacks, and without" in page) == (len(labels) == 2)


def test_a_tool_s_own_words_break_no_table(folder):
    evaluated(RUDE)
    run("report", "run", "--out", "docs.md")
    (line,) = [line for line in (folder / "docs.md").read_text().splitlines() if "bold" in line]
    assert line == f"| {RUDE} 1 | 3 | error | `error,a \\| b ' <b>bold</b> [31m` |"


def test_the_page_is_written_anew(folder):
    evaluated(HONEST, GULLIBLE)
    run("report", "run", "--out", "docs.md")
    first = {path: path.read_bytes() for path in (folder / "docs").rglob("*") if path.is_file()}
    assert run("report", "run", "--out", "docs.md").exit_code == 0
    assert {path: path.read_bytes() for path in (folder / "docs").rglob("*") if path.is_file()} == first


def test_a_stranger_s_folder_is_left_alone(folder):
    evaluated(HONEST)
    (folder / "docs").mkdir()
    (folder / "docs" / "thesis.tex").write_text("years of work")
    result = run("report", "run", "--out", "docs.md")
    assert (result.exit_code, result.stderr) == (
        2,
        "soundbench: docs: is there, and no report's folder; name another --out\n",
    )
    assert (folder / "docs" / "thesis.tex").read_text() == "years of work"
    assert not (folder / "docs.md").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-run"], "no-run: holds no run"),
        (["suite"], "suite: holds no run"),
        (["run", "--out", "docs"], "docs: name a file that ends with .md"),
        (["run", "--out", "/proc/docs.md"], "/proc/docs.md: cannot be written"),
        (["run", "--json", "no/such.json"], "no/such.json"),
    ],
)
def test_bad_input_is_one_line(arguments, words):
    evaluated(HONEST)
    result = run("report", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}', '{"schema": 1, "verifiers": 3, "level": "smoke"}'])
def test_a_damaged_description_is_one_line(folder, text):
    evaluated(HONEST)
    (folder / "run" / "run.json").write_text(text)
    result = run("report", "run")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert "run: holds no run of this version" in result.stderr


def test_a_run_of_another_suite_is_refused(monkeypatch):
    evaluated(HONEST)
    other = replace(small_suite(Path("suite")), digest="another")
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: other)
    result = run("report", "run")
    assert (result.exit_code, result.stderr) == (
        2,
        "soundbench: run: is a run of the suite small 1.0, not of suite; name --suite\n",
    )


def test_another_page_is_left_alone(folder):
    evaluated(HONEST)
    (folder / "docs.md").write_text("# Results\n\nof years of work")
    result = run("report", "run", "--out", "docs.md")
    assert (result.exit_code, result.stderr) == (
        2,
        "soundbench: docs.md: is there, and no report; name another --out\n",
    )
    assert (folder / "docs.md").read_text() == "# Results\n\nof years of work"


def test_who_answered_nothing_gets_no_other_s_answers(folder):
    evaluated(HONEST, GULLIBLE)
    lines = (folder / "run" / "results.jsonl").read_text().splitlines(keepends=True)
    (folder / "run" / "results.jsonl").write_text("".join(line for line in lines if HONEST not in line))
    for table in (folder / "run").glob("*.csv"):
        table.unlink()
    run("report", "run", "--out", "docs.md")
    tables = re.findall(r"\]\((docs/.*?csv)\)", (folder / "docs.md").read_text())
    assert [len((folder / table).read_text().splitlines()) for table in tables] == [0, 3]


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret", "logs/link"])
@pytest.mark.parametrize("kind", ["log", "counterexample"])
def test_files_of_others_do_not_get_onto_the_page(folder, kind, path):
    evaluated(GULLIBLE)
    (folder / "secret").write_text("a secret")
    (folder / "run" / "logs").mkdir(exist_ok=True)
    (folder / "run" / "logs" / "link").symlink_to(folder / "secret")
    lines = [json.loads(line) for line in (folder / "run" / "results.jsonl").read_text().splitlines()]
    (folder / "run" / "results.jsonl").write_text("".join(json.dumps({**line, kind: path}) + "\n" for line in lines))
    result = run("report", "run", "--out", "docs.md")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "leads out of the folder; remove its line" in result.stderr


def test_our_own_mistake_accuses_nobody(folder, monkeypatch):
    suite = small_suite(folder / "suite")
    wrong = replace(suite.ground_truth["armed"], expected=Expected.HOLDS, witness=None)
    wrong_suite = replace(suite, ground_truth={**suite.ground_truth, "armed": wrong})
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: wrong_suite)
    assert evaluated(HONEST).exit_code == 3
    run("report", "run", "--out", "docs.md")
    page = (folder / "docs.md").read_text()
    assert "This is our mistake, and accuses nobody" in page
    assert "says `falsified`" not in page


def test_a_contradiction_is_told_whole(folder):
    evaluated("fake_verifiers:Wavers", "--variants")
    run("report", "run", "--out", "docs.md")
    page = (folder / "docs.md").read_text()
    assert "but `falsified` of `armed" in page
    (evidence,) = [link for link in re.findall(r"\]\((docs/findings/.*?)\)", page) if "inconsistent" in link]
    assert {each.name for each in (folder / evidence).iterdir()} == {"verified", "falsified"}


class Imposter(Scripted):
    """Gives itself a version that would be a part of the page."""

    name = "imposter"
    script = writes("unsat")

    def version(self) -> str:
        return "1 <img src=x> [link](http://x) `code`"


def test_a_version_is_no_part_of_the_page(folder):
    evaluated("test_cli_report:Imposter")
    run("report", "run", "--out", "docs.md")
    page = (folder / "docs.md").read_text()
    assert "\\<img src=x> \\[link\\](http://x) \\`code\\`" in page
    assert not re.search(r"(?<!\\)<img|(?<!\\)\[link", page)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("verifiers", [{"verifier": [], "version": "1", "settings": {}}]),
        ("verifiers", [{"verifier": "a", "version": "1", "settings": []}]),
        ("verifiers", ["a"]),
        ("timeout_seconds", "9"),
        ("suite_digest", 3),
        ("started", {"at": 3}),
    ],
)
def test_a_description_with_wrong_values_is_one_line(folder, key, value):
    evaluated(HONEST)
    path = folder / "run" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    result = run("report", "run", "--out", "docs.md")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
