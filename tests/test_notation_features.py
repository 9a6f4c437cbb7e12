"""How a property is written is told from its text, and a rewriting that means the same is told apart."""

import pytest
from small_networks import unsafe_set

from soundbench.notation_features import notation_features
from soundbench.vnnlib_writing import format_property

DECLARED = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)"
BOUNDS = "(assert (>= X_0 0.0))(assert (<= X_0 1.0))(assert (>= X_1 0.0))(assert (<= X_1 1.0))"
OUTPUTS = "(assert (<= Y_0 Y_1))"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOUNDS + OUTPUTS, {"plain"}),
        (BOUNDS + "(assert (or (and (<= Y_0 Y_1)) (and (>= Y_1 3.0))))", {"plain"}),
        ("(assert (>= 1.0 X_0))(assert (<= 0.0 X_0))" + OUTPUTS, {"bounds before variables"}),
        (BOUNDS + "(assert (>= 3.0 Y_0))", {"plain"}),
        ("(assert (and (>= X_0 0.0) (<= X_0 1.0)))" + OUTPUTS, {"bounds of an input in an and"}),
        (OUTPUTS + BOUNDS, {"outputs before inputs"}),
        ("(assert (or (and (>= X_0 0.0) (<= X_0 1.0) (<= Y_0 Y_1))))", {"boxes inside the or"}),
        ("(assert (and (>= X_0 0.0) (<= 1.0 X_0)))", {"bounds of an input in an and", "bounds before variables"}),
        (BOUNDS + OUTPUTS + "(assert (or (and (<= X_0 0.5) (<= Y_0 0.0))))", {"boxes inside the or"}),
        ("; no assertion\n", {"plain"}),
    ],
)
def test_words(text, words):
    assert notation_features(DECLARED + text) == words


@pytest.mark.parametrize(
    ("assertions", "words"),
    [
        (["(<= Y_0 Y_1)"], {"plain"}),
        (["(or (<= Y_0 Y_1) (<= Y_0 0.5))"], {"plain"}),
        (["(or (and (<= X_0 0.5) (<= Y_0 Y_1)) (and (>= X_0 0.7) (<= Y_0 Y_1)))"], {"boxes inside the or"}),
    ],
)
def test_what_we_write_is_plain_but_for_boxes_that_differ(assertions, words):
    unsafe = unsafe_set(1, 2, "(>= X_0 0)", "(<= X_0 1)", *assertions)
    assert notation_features(format_property(unsafe)) == words
