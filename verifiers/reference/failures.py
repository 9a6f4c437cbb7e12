"""Why the reference verifier gives no verdict on a network, or no bound on a box."""

from soundbench.errors import SoundbenchError


class UnsupportedError(SoundbenchError):
    """The network holds something that is not read here; the message names the operator."""


class MalformedError(SoundbenchError):
    """The network contradicts itself; the message says where."""


class NumericError(SoundbenchError):
    """A bound is not a usable number (NaN, infinite or huge): nothing may be concluded from it."""
