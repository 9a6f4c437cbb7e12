"""How ground truth is kept in `ground_truth.json`: exact decimals for points, shortest floats for measurements."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from soundbench.errors import InputError
from soundbench.ground_truth import (
    Assumption,
    AttackRecord,
    Expected,
    GroundTruth,
    Hiding,
    Leaf,
    Position,
    Proof,
    ProofTree,
    Role,
    Split,
    Track,
    TwinKind,
    Witness,
)
from soundbench.vnnlib_text import TextError, decimal_text, parse_numeral

# Deep enough for any tree that planting finds, shallow enough for Python's stack.
DEEPEST_TREE = 200
Json = Any


def encode_ground_truth(ground_truth: Mapping[str, GroundTruth]) -> Json:
    """The JSON form of a suite's ground truth; facts that an instance lacks are left out."""
    return {name: encode_truth(truth) for name, truth in ground_truth.items()}


def decode_ground_truth(content: Json, source: str) -> dict[str, GroundTruth]:
    """Read what `encode_ground_truth` wrote; `source` names the file in messages.

    Raises:
        InputError: the content has not that form.
    """
    if not isinstance(content, dict):
        raise InputError(f"{source}: not an object of instances; get the suite again")
    truth = {}
    for name, entry in content.items():
        try:
            truth[name] = decode_truth(entry)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, TextError) as error:
            raise InputError(f"{source}: {name}: not readable ({type(error).__name__}: {error})") from None
    return truth


def encode_truth(truth: GroundTruth) -> Json:
    """One instance's entry."""
    entry = {
        "expected": truth.expected,
        "family": truth.family,
        "trigger": truth.trigger,
        "role": truth.role,
        "track": truth.track,
        "pair": truth.pair,
        "twin_kind": truth.twin_kind,
        "position": truth.position,
        "certifies": truth.certifies,
        "witness": truth.witness and encode_witness(truth.witness),
        "proof": truth.proof and encode_proof(truth.proof),
        "hiding": truth.hiding and encode_hiding(truth.hiding),
        "attacks": [encode_attack(record) for record in truth.attacks] or None,
        "factors": dict(truth.factors) or None,
        "catches": list(truth.catches) or None,
        "needle_at": truth.needle_at and encode_point(truth.needle_at),
        "assumption": truth.assumption and encode_assumption(truth.assumption),
    }
    return {key: value for key, value in entry.items() if value is not None}


def decode_truth(entry: Json) -> GroundTruth:
    """Read one instance's entry; raises KeyError, TypeError or ValueError where it is malformed."""
    return GroundTruth(
        expected=Expected(entry["expected"]),
        family=text(entry["family"]),
        trigger=text(entry["trigger"]),
        role=Role(entry["role"]),
        track=Track(entry["track"]),
        pair=optional_text(entry, "pair"),
        twin_kind=TwinKind(entry["twin_kind"]) if "twin_kind" in entry else None,
        position=Position(entry["position"]) if "position" in entry else None,
        certifies=optional_text(entry, "certifies"),
        witness=decode_witness(entry["witness"]) if "witness" in entry else None,
        proof=decode_proof(entry["proof"]) if "proof" in entry else None,
        hiding=decode_hiding(entry["hiding"]) if "hiding" in entry else None,
        attacks=decode_attacks(entry["attacks"]) if "attacks" in entry else (),
        factors=factors(entry["factors"]) if "factors" in entry else {},
        catches=tuple(map(word, items(entry["catches"]))) if "catches" in entry else (),
        needle_at=decode_point(entry["needle_at"]) if "needle_at" in entry else None,
        assumption=decode_assumption(entry["assumption"]) if "assumption" in entry else None,
    )


def encode_point(point: tuple[Fraction, ...]) -> Json:
    """A point as full decimal expansions."""
    return [decimal_text(value) for value in point]


def decode_point(entry: Json) -> tuple[Fraction, ...]:
    """Read a point."""
    return tuple(parse_numeral(text(value), 0) for value in items(entry))


def encode_witness(witness: Witness) -> Json:
    """A witness, its point as full decimal expansions."""
    return {
        "point": encode_point(witness.point),
        "margin_float32": witness.margin_float32,
        "margin_float64": witness.margin_float64,
        "margin_rigorous": witness.margin_rigorous,
        "float32_error": witness.float32_error,
        "required_margin": witness.required_margin,
    }


def decode_witness(entry: Json) -> Witness:
    """Read a witness."""
    return Witness(
        point=decode_point(entry["point"]),
        margin_float32=number(entry["margin_float32"]),
        margin_float64=number(entry["margin_float64"]),
        margin_rigorous=number(entry["margin_rigorous"]),
        float32_error=number(entry["float32_error"]),
        required_margin=number(entry["required_margin"]),
    )


def encode_proof(proof: Proof) -> Json:
    """A proof, one tree a region."""
    return {
        "inflation": proof.inflation,
        "slack": proof.slack,
        "required_slack": proof.required_slack,
        "trees": [encode_tree(tree) for tree in proof.trees],
    }


def decode_proof(entry: Json) -> Proof:
    """Read a proof."""
    return Proof(
        inflation=number(entry["inflation"]),
        slack=number(entry["slack"]),
        required_slack=number(entry["required_slack"]),
        trees=tuple(decode_tree(tree, DEEPEST_TREE) for tree in items(entry["trees"])),
    )


def encode_tree(tree: ProofTree) -> Json:
    """A tree of splits and leaves."""
    if isinstance(tree, Leaf):
        return {"refutes": tree.refutes, "slopes": dict(tree.slopes)}
    return {
        "input": tree.dimension,
        "at": tree.value,
        "below": encode_tree(tree.below),
        "above": encode_tree(tree.above),
    }


def decode_tree(entry: Json, depth: int) -> ProofTree:
    """Read a tree of at most `depth` levels."""
    if depth == 0:
        raise ValueError(f"a proof tree deeper than {DEEPEST_TREE} levels")
    if "refutes" in entry:
        return Leaf(whole(entry["refutes"]), slopes(entry["slopes"]))
    below, above = (decode_tree(entry[side], depth - 1) for side in ("below", "above"))
    return Split(whole(entry["input"]), number(entry["at"]), below, above)


def encode_hiding(hiding: Hiding) -> Json:
    """A hiding bound with what is needed to check it."""
    entry = {
        "tensor": hiding.tensor,
        "neuron": hiding.neuron,
        "reads": list(hiding.reads),
        "half_widths": list(hiding.half_widths),
        "prior_lower": list(hiding.prior_lower),
        "prior_upper": list(hiding.prior_upper),
        "pinned": list(hiding.pinned),
        "queries": hiding.queries,
        "chance": hiding.chance,
        "slopes": dict(hiding.slopes),
    }
    return {**entry, "planes": [list(plane) for plane in hiding.planes]} if hiding.planes else entry


def decode_hiding(entry: Json) -> Hiding:
    """Read a hiding bound."""
    return Hiding(
        tensor=text(entry["tensor"]),
        neuron=whole(entry["neuron"]),
        reads=tuple(whole(value) for value in items(entry["reads"])),
        half_widths=tuple(number(value) for value in items(entry["half_widths"])),
        prior_lower=tuple(number(value) for value in items(entry["prior_lower"])),
        prior_upper=tuple(number(value) for value in items(entry["prior_upper"])),
        pinned=tuple(whole(value) for value in items(entry["pinned"])),
        queries=number(entry["queries"]),
        chance=number(entry["chance"]),
        slopes=slopes(entry["slopes"]),
        planes=tuple((whole(read), number(value)) for read, value in map(items, items(entry.get("planes", [])))),
    )


def encode_assumption(assumption: Assumption) -> Json:
    """Why an instance is taken to hold."""
    return {
        "reason": assumption.reason,
        "tensor": assumption.tensor,
        "neuron": assumption.neuron,
        "slopes": dict(assumption.slopes),
    }


def decode_assumption(entry: Json) -> Assumption:
    """Read why an instance is taken to hold."""
    return Assumption(word(entry["reason"]), text(entry["tensor"]), whole(entry["neuron"]), slopes(entry["slopes"]))


def encode_attack(record: AttackRecord) -> Json:
    """What an attack reached."""
    entry = {
        "attack": record.attack,
        "seed": record.seed,
        "restarts": record.restarts,
        "queries": record.queries,
        "margin": record.margin,
        "found": record.found,
    }
    return entry if record.replays is None else {**entry, "replays": record.replays}


def decode_attacks(entries: Json) -> tuple[AttackRecord, ...]:
    """Read what the attacks reached; every attack is recorded once."""
    records = tuple(decode_attack(entry) for entry in items(entries))
    names = [record.attack for record in records]
    if len(set(names)) < len(names):
        raise ValueError("an attack is recorded twice")
    return records


def decode_attack(entry: Json) -> AttackRecord:
    """Read what one attack reached."""
    record = AttackRecord(
        attack=text(entry["attack"]),
        seed=whole(entry["seed"]),
        restarts=whole(entry["restarts"]),
        queries=whole(entry["queries"]),
        margin=number(entry["margin"]),
        found=truth_value(entry["found"]),
        replays=truth_value(entry["replays"]) if "replays" in entry else None,
    )
    if record.seed < 0 or record.restarts < 1 or record.queries < 1:
        raise ValueError(f"the attack {record.attack!r} has a negative seed, or no restarts or queries")
    if record.found and record.margin > 0:
        raise ValueError(f"the attack {record.attack!r} is said to have found a point, but with a positive margin")
    if record.found != (record.replays is not None):
        raise ValueError(
            f"the attack {record.attack!r} must say whether its point replays, if and only if it found one"
        )
    return record


def factors(entry: Json) -> dict[str, str]:
    """A mapping from factors to their values."""
    return {word(name): word(value) for name, value in entry.items()}


def slopes(entry: Json) -> dict[str, str]:
    """A mapping from tensors to slope characters."""
    return {text(name): text(value) for name, value in entry.items()}


def items(value: Json) -> list[Json]:
    """A list, or TypeError."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def text(value: Json) -> str:
    """A string, or TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def word(value: Json) -> str:
    """A string that can be printed and says something, or ValueError."""
    if not text(value).isprintable() or not value.strip():
        raise ValueError(f"{value!r} is not a printable word")
    return text(value)


def truth_value(value: Json) -> bool:
    """True or false, or TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def optional_text(entry: Json, key: str) -> str | None:
    """A string or nothing."""
    return text(entry[key]) if key in entry else None


def number(value: Json) -> float:
    """A finite number, or TypeError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
        raise TypeError(f"{value!r} is not a finite number")
    return float(value)


def whole(value: Json) -> int:
    """A whole number, or TypeError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value
