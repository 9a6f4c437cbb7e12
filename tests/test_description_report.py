"""What the reader of a description sees: what there is, what never meets, what is wrong, and what it means."""

import io
import json

import pytest
from rich.console import Console

from soundbench.coverage import Coverage
from soundbench.description import DescribedInstance, Description
from soundbench.description_report import conclusion, coverage_lines, exit_code, render, shown, to_json
from soundbench.ground_truth import Role

ARMED = DescribedInstance(
    "a-armed",
    Role.ARMED,
    {"operator": ("Conv", "Relu"), "position": ("face",)},
    {"inputs": 24, "margin": 0.25},
    {"form": "combined", "hardness": "easy"},
    {},
)
TWIN = DescribedInstance("a-twin", Role.TWIN, {"operator": ("Conv", "Relu")}, {"inputs": 24}, ARMED.recorded, {})
WHOLE = Coverage({"form": ["combined"], "hardness": ["easy"]}, 1, (), ())
HOLES = Coverage(
    {"form": ["combined", "any"], "place": ["face", "edge", "deep"], "shape": ["cube"]},
    7,
    ((("form", "any"), ("place", "edge")), (("form", "any"), ("place", "face")), (("form", "any"), ("shape", "cube"))),
    ((("place", "deep"), ("shape", "cube")),),
)


def description(coverage=WHOLE, unknown=None, problems=(), instances=(ARMED, TWIN)):
    return Description("core 2", 5, 1_234_567, 2, instances, coverage, unknown or {}, problems)


def printed(*arguments, width=200, **options):
    stream = io.StringIO()
    render(description(*arguments), Console(file=stream, width=width, **options))
    return stream.getvalue()


def row(text, label):
    line = next(line for line in text.splitlines() if line.startswith(label))
    return line.removeprefix(label).split()


def test_sizes_come_first():
    assert printed().splitlines()[0] == "core 2: 2 instances of 2 networks, 5 files of 1.2 MB"


def test_a_row_a_value_and_a_column_a_role_that_there_is():
    text = printed()
    assert row(text, "in the files") == ["armed", "twin"]
    assert row(text, "by the recipe") == ["armed", "twin"]
    assert row(text, "  Conv") == ["1", "1"]
    assert row(text, "  face") == ["1", "0"]
    assert row(text, "  easy") == ["1", "1"]


def test_numbers_of_those_that_have_them():
    text = printed()
    assert row(text, "numbers") == ["least", "median", "largest"]
    assert row(text, "inputs") == ["24", "24", "24"]
    assert row(text, "margin") == ["0.25", "0.25", "0.25"]


def test_what_recipes_do_not_say_has_no_table():
    assert "by the recipe" not in printed_of_unrecorded()


def printed_of_unrecorded():
    stream = io.StringIO()
    bare = DescribedInstance("a", Role.OTHER, {"operator": ("Conv",)}, {"inputs": 1}, {}, {})
    render(description(Coverage({}, 0, (), ()), instances=(bare,)), Console(file=stream, width=200))
    return stream.getvalue()


def test_a_line_a_value_with_all_that_it_never_meets():
    assert list(coverage_lines(HOLES)) == [
        "form any: never with place edge, face; shape cube",
        "place deep: forbidden with shape cube",
    ]


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        (WHOLE, "Every two values of 2 factors meet in at least one armed instance."),
        (HOLES, "3 of 11 pairs of values of 3 factors never meet in an armed instance, besides 1 that the recipe "
                "forbids."),
        (Coverage({}, 0, (), ()), "No two values of different factors meet in an armed instance."),
    ],
)  # fmt: skip
def test_what_it_means(coverage, words):
    assert conclusion(description(coverage)) == words
    assert printed(coverage).splitlines()[-1] == words


def test_forbidden_pairs_are_counted_where_nothing_is_missing():
    whole = Coverage(HOLES.factors, 7, (), HOLES.forbidden)
    assert conclusion(description(whole)) == (
        "Every two values of 3 factors meet in at least one armed instance, besides 1 that the recipe forbids."
    )


def test_what_is_believed_is_told():
    words = conclusion(description(WHOLE, {"hardness": ["easy", "hard"], "network": ["own"]}))
    assert words.endswith("Files do not tell, so the recipe is believed: hardness easy, hard; network own.")


def test_problems_are_told_and_end_with_code_3():
    problem = "a-armed: its form is said to be combined; by its files, regions: 2 boxes, not one"
    assert f"ground truth refuted: {problem}\n" in printed(WHOLE, None, (problem,), width=40)
    assert exit_code(description(problems=(problem,))) == 3
    assert exit_code(description(HOLES)) == 0


def test_colours_on_a_terminal_alone():
    assert "\x1b[" not in printed(WHOLE, None, ("a problem",))
    assert "\x1b[" in printed(WHOLE, None, ("a problem",), force_terminal=True, color_system="standard")


def test_what_a_terminal_would_obey_is_not_printed():
    hostile = DescribedInstance("a", Role.ARMED, {"oper\x1bator": ("\x1b[31mConv",)}, {}, {}, {})
    stream = io.StringIO()
    described = Description(
        "\x1b]0;own\x07", 1, 1, 1, (hostile,), Coverage({}, 0, (), ()), {"\x1b[1m": ["[bold]"]}, ("\x1b[2J",)
    )
    render(described, Console(file=stream, width=200))
    assert not any(each < " " and each != "\n" for each in stream.getvalue())
    assert "[bold]" in stream.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [(24, "24"), (12345.0, "12,345"), (1e8, "1e+08"), (0.123456, "0.1235"), (9.9e-10, "9.9e-10"), (0, "0"), (-3, "-3")],
)
def test_numbers(value, text):
    assert shown(value) == text


def test_json():
    content = json.loads(json.dumps(to_json(description(HOLES, {"hardness": ["easy"]}, ("a problem",)))))
    assert content["suite"] == "core 2"
    assert content["counts"]["in the files"]["operator"]["Conv"] == {"armed": 1, "twin": 1, "clean": 0, "other": 0}
    assert content["counts"]["by the recipe"]["form"]["combined"]["armed"] == 1
    assert content["pairs_met"] == 7
    assert content["pairs_missing"][0] == [["form", "any"], ["place", "edge"]]
    assert content["pairs_forbidden"] == [[["place", "deep"], ["shape", "cube"]]]
    assert (content["unknown"], content["problems"]) == ({"hardness": ["easy"]}, ["a problem"])
    assert content["instances"]["a-armed"] == {
        "role": "armed",
        "features": {"operator": ["Conv", "Relu"], "position": ["face"]},
        "numbers": {"inputs": 24, "margin": 0.25},
        "factors": {"form": "combined", "hardness": "easy"},
    }
