"""The dials of moat training that suit kinds of networks, best of those that were tried."""

from collections.abc import Mapping

Dials = Mapping[str, object]

# Where the bound on float32's rounding is large, pits are deep: witnesses have to violate by a hundred times as much.
MLP: Dials = {"rim": 1.6, "depth": 0.3, "low_weight": 4.0}
SMOOTH: Dials = {"start": "measured", "hidden_scale": 1.0, "depth": 0.5, "low_weight": 4.0}
VIT: Dials = {"hidden_scale": 1.0, "kinks": 0.0, "corners": 3}
HELD: Dials = {"hold": 0.1, "walkers": 20}
# Clean boxes become provable, at the cost of a larger rounding bound.
BOUNDED: Dials = {"bound_weight": 5.0, "depth": 0.2, "low_weight": 4.0, "corners": 2}
UNBOUNDED: Dials = {"bound_weight": 0.0}

# By kind of network, and whether boxes are wide.
SUITED: Mapping[tuple[str, bool], Dials] = {
    ("relu", False): {**BOUNDED, "steps": 4000},
    ("relu", True): {**HELD, **BOUNDED, "peak_rate": 3e-3, "steps": 6000, "rim": 2.5, "near": 16, "flips": 8},
    ("avgpool", False): {**BOUNDED, "steps": 4000},
    ("avgpool", True): {**HELD, "peak_rate": 2e-3, "steps": 8000},
    ("mlp", False): {**MLP, "steps": 2500},
    ("mlp", True): {**MLP, "steps": 3000},
    ("smooth", False): {**SMOOTH, "first_scale": 1.0, "steps": 4000},
    ("smooth", True): {**SMOOTH, **HELD, "first_scale": 0.5, "peak_rate": 2e-3, "steps": 7000},
    ("vit", False): {**VIT, "first_scale": 10.0, "peak_rate": 1e-2, "steps": 4000},
    ("vit", True): {**VIT, "first_scale": 30.0, "peak_rate": 6e-3, "steps": 6000, "hold": 0.1},
}
KINDS: Mapping[str, str] = {
    "cnn_avgpool": "avgpool",
    "cnn_sigmoid": "smooth",
    "cnn_tanh": "smooth",
    "mlp_4_hidden": "mlp",
    "mlp_5_hidden": "mlp",
    "vit": "vit",
}
# By architecture, whatever its kind has.
OWN: Mapping[str, Dials] = {"cnn_3_conv": {"depth": 0.7}, "cnn_sigmoid": {"depth": 1.3}, "cnn_residual": UNBOUNDED}
OWN_NARROW: Mapping[str, Dials] = {"cnn_1_conv": {"steps": 3000}}
# With more inputs, bounds of every neuron in all of them take too long.
MOST_BOUNDED_INPUTS = 100
# From this share of the data range on, boxes are wide.
WIDE = 0.3


def suited(architecture: str, inputs: int, radius: float) -> Dials:
    """The dials that suit an architecture with so many inputs and a radius, a share of the data range."""
    is_wide = radius > WIDE
    own = {**OWN.get(architecture, {}), **({} if is_wide else OWN_NARROW.get(architecture, {}))}
    own |= UNBOUNDED if inputs > MOST_BOUNDED_INPUTS else {}
    return {"first_scale": 2 / radius, **SUITED[KINDS.get(architecture, "relu"), is_wide], **own}
