"""The dials of moat training that suit kinds of networks, best of those that were tried."""

from collections.abc import Mapping

Dials = Mapping[str, object]

MLP: Dials = {"rim": 1.6, "depth": 0.3, "reserve": 1.25, "low_weight": 4.0, "walkers": 15}
SMOOTH: Dials = {"start": "measured", "hidden_scale": 1.0, "depth": 0.3, "reserve": 2.0, "low_weight": 4.0}
VIT: Dials = {"hidden_scale": 1.0, "kinks": 0.0, "corners": 3, "climbers": 4}
HELD: Dials = {"hold": 0.1, "walkers": 20, "climbers": 6, "corners": 2}
# Clean boxes become provable, at the cost of a larger rounding bound.
BOUNDED: Dials = {"bound_weight": 5.0, "depth": 0.2, "low_weight": 4.0, "climbers": 4, "corners": 2}
UNBOUNDED: Dials = {"bound_weight": 0.0}
WIDE_RELU: Dials = {"climbers": 10, "corners": 8, "near": 16, "flips": 8}

# By kind of network, and whether boxes are wide.
SUITED: Mapping[tuple[str, bool], Dials] = {
    ("relu", False): {**BOUNDED, "steps": 4000},
    ("relu", True): {**HELD, **BOUNDED, **WIDE_RELU, "peak_rate": 3e-3, "steps": 6000},
    ("avgpool", False): {**BOUNDED, "reserve": 1.6, "steps": 4000},
    ("avgpool", True): {**HELD, "reserve": 1.6, "peak_rate": 1e-3, "steps": 8000},
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
# By architecture, whatever its kind has. Sigmoids are rounded more than the tanh that are trained in their place.
OWN: Mapping[str, Dials] = {
    "cnn_3_conv": {"depth": 0.7},
    "cnn_sigmoid": {"depth": 0.5, "reserve": 3.0},
    "cnn_residual": UNBOUNDED,
}
OWN_NARROW: Mapping[str, Dials] = {"cnn_1_conv": {"steps": 3000}}
# With more inputs, bounds of every neuron in all of them take too long; networks that average fit worse under them.
MOST_BOUNDED_INPUTS = 100
MOST_BOUNDED_AVERAGES = 50
# From this share of the data range on, boxes are wide.
WIDE = 0.3


def suited(architecture: str, inputs: int, radius: float) -> Dials:
    """The dials that suit an architecture with so many inputs and a radius, a share of the data range."""
    is_wide = radius > WIDE
    own = {**OWN.get(architecture, {}), **({} if is_wide else OWN_NARROW.get(architecture, {}))}
    kind = KINDS.get(architecture, "relu")
    own |= UNBOUNDED if inputs > (MOST_BOUNDED_AVERAGES if kind == "avgpool" else MOST_BOUNDED_INPUTS) else {}
    return {"first_scale": 2 / radius, **SUITED[kind, is_wide], **own}
