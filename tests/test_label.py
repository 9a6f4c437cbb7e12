import pytest

from soundbench.errors import InputError
from soundbench.label import at_version, split_options


@pytest.mark.parametrize(
    ("label", "named", "options"),
    [
        ("marabou", "marabou", {}),
        ("marabou==2.0.0[a=1]", "marabou==2.0.0", {"a": "1"}),
        ("my.module:Mine[a=1, b=x]", "my.module:Mine", {"a": "1", "b": "x"}),
        ("vnncomp:tool[1]", "vnncomp:tool[1]", {}),
        ("vnncomp:tool[1][a=]", "vnncomp:tool[1]", {"a": ""}),
        ("", "", {}),
    ],
)
def test_options_stand_in_brackets_at_the_end(label, named, options):
    assert split_options(label) == (named, options)


@pytest.mark.parametrize(
    ("label", "words"),
    [("a[b=1,]", "option=value"), ("a[=1]", "option=value"), ("a[b=1,b=2]", "twice"), ("a[b=1,c]", "option=value")],
)
def test_what_is_written_otherwise_is_one_line(label, words):
    with pytest.raises(InputError, match=words):
        split_options(label)


@pytest.mark.parametrize("label", ["marabou", "marabou==1.0.0", "mine:Mine", "mine:Mine==1.0.0"])
@pytest.mark.parametrize("options", ["", "[a=1]", "[a=1,b=x==y]"])
def test_a_version_stands_before_the_options(label, options):
    bare = label.removesuffix("==1.0.0")
    assert at_version(f"{label}{options}", "2.0") == f"{bare}==2.0{options}"
    assert at_version(f"{label}{options}", None) == f"{bare}{options}"
