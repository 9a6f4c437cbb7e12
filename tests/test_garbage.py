"""Garbage is looked for again after the block, if it was before."""

import gc

import pytest

from soundbench.garbage import not_collected


@pytest.mark.parametrize("was_enabled", [True, False])
def test_what_was_before_is_again(was_enabled):
    try:
        if not was_enabled:
            gc.disable()
        with not_collected():
            assert not gc.isenabled()
        with pytest.raises(ZeroDivisionError), not_collected():
            raise ZeroDivisionError
        assert gc.isenabled() is was_enabled
    finally:
        gc.enable()
