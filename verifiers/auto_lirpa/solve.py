"""Answer one instance with auto_LiRPA: python solve.py ONNX REGIONS RESULT_FILE TIMEOUT_SECONDS [SETTING=VALUE ...].

Runs in auto_LiRPA's environment, so it imports nothing of soundbench. REGIONS is the list of unsafe regions in JSON.
Writes VNN-COMP's result file; behind a comma in its first line stands the reason of an answer that is none.
"""

import heapq
import importlib
import itertools
import json
import logging
import sys
import time
import traceback
import types
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_STARTED = time.monotonic()
# How far the converted network may be from ONNX Runtime, as a share of its largest output.
_TOLERANCE = 1e-3
# What onnx2pytorch imports of torchvision, for operators of images that no network here has.
_TORCHVISION = {
    "io": ("decode_image", "ImageReadMode"),
    "ops": ("box_convert", "deform_conv2d", "nms", "roi_align", "roi_pool"),
}

Numbers = npt.NDArray[np.float32]


def main() -> None:
    """Solve, and write what came of it."""
    onnx, regions, result, timeout = sys.argv[1:5]
    settings = dict(setting.split("=", 1) for setting in sys.argv[5:])
    try:
        answer = solve(onnx, regions, _STARTED + float(timeout), settings)
    except NotImplementedError as error:
        traceback.print_exc()
        answer = f"unsupported,{one_line(error)}"
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the answer)
        traceback.print_exc()
        answer = f"error,{one_line(error)}"
    # Written beside, then renamed: if this process is stopped meanwhile, there is no half an answer.
    partial = Path(result).with_suffix(".partial")
    partial.write_text(answer + "\n")
    partial.replace(result)


def one_line(error: Exception) -> str:
    """The error in a line."""
    return " ".join(repr(error).split())


def solve(onnx: str, regions: str, deadline: float, settings: Mapping[str, str]) -> str:
    """The text of the result file."""
    adapt_torch()
    session = Session(onnx)
    margins = bounding(onnx, session, settings)
    answers = []
    for region in json.loads(Path(regions).read_text()):
        box = Box(outwards(region["lower"], -np.inf), outwards(region["upper"], np.inf))
        rows = np.array(region["rows"], np.float32).reshape(-1, session.output_count)
        bounds = np.array(region["bounds"], np.float32)
        answer = search(box, Unsafe(rows, bounds), margins, session, deadline, splits=settings["split"] == "True")
        if answer.startswith("sat"):
            return answer
        answers.append(answer)
    return next((answer for answer in answers if answer != "unsat"), "unsat")


@dataclass(frozen=True)
class Box:
    """Inputs between `lower` and `upper`, shape (inputs,)."""

    lower: Numbers
    upper: Numbers

    def halves(self, dimension: int) -> "tuple[Box, Box] | None":
        """The box cut in the middle; None where no float32 lies between the ends."""
        middle = np.float32(0.5) * (self.lower[dimension] + self.upper[dimension])
        if not self.lower[dimension] < middle < self.upper[dimension]:
            return None
        left, right = self.upper.copy(), self.lower.copy()
        left[dimension] = right[dimension] = middle
        return Box(self.lower, left), Box(right, self.upper)


@dataclass(frozen=True)
class Unsafe:
    """The outputs with rows @ outputs <= bounds, shapes (rows, outputs) and (rows,)."""

    rows: Numbers
    bounds: Numbers


# The lower bounds of rows @ outputs over a box, shape (rows,), and what each input contributes, shape (rows, inputs).
Margins = Callable[[Box, Numbers], tuple[Numbers, Numbers]]


def search(box: Box, unsafe: Unsafe, margins: Margins, session: "Session", deadline: float, *, splits: bool) -> str:
    """Branch and bound over boxes, the least certain first; a box's middle is tried as a counterexample."""
    order = itertools.count()
    open_boxes = [(0.0, next(order), box)]
    while open_boxes:
        if time.monotonic() > deadline:
            return "timeout"
        _, _, current = heapq.heappop(open_boxes)
        found = session.counterexample(current, unsafe)
        if found is not None:
            return "sat\n" + found
        lowest, weights = margins(current, unsafe.rows)
        slack = lowest - unsafe.bounds
        # NaN compares as false: what has no bound is not proven.
        if (slack > 0).any():
            continue
        if not splits:
            return "unknown"
        parts = current.halves(int(np.argmax(weights[int(np.argmax(slack)) if len(slack) else 0])))
        if parts is None:
            return "unknown"
        for part in parts:
            heapq.heappush(open_boxes, (float(slack.max(initial=-np.inf)), next(order), part))
    return "unsat"


class Session:
    """The network in ONNX Runtime, which decides about counterexamples."""

    def __init__(self, onnx: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        (given,) = self._session.get_inputs()
        self.name, self.shape = given.name, [size if isinstance(size, int) else 1 for size in given.shape]
        self.output_count = self.outputs(np.zeros(self.shape, np.float32).ravel()).size

    def outputs(self, point: Numbers) -> Numbers:
        """The outputs at a point, both flat."""
        given = {self.name: point.reshape(self.shape)}
        return np.asarray(self._session.run(None, given)[0], np.float32).ravel()

    def counterexample(self, box: Box, unsafe: Unsafe) -> str | None:
        """The middle of the box in VNN-COMP's form, if it is unsafe."""
        point = np.clip(np.float32(0.5) * (box.lower + box.upper), box.lower, box.upper)
        outputs = self.outputs(point)
        if not (unsafe.rows.astype(np.float64) @ outputs <= unsafe.bounds).all():
            return None
        lines = [f"(X_{index} {np.format_float_positional(value, trim='0')})" for index, value in enumerate(point)]
        lines += [f"(Y_{index} {np.format_float_positional(value, trim='0')})" for index, value in enumerate(outputs)]
        return "(" + "\n".join(lines) + ")"


def bounding(onnx: str, session: Session, settings: Mapping[str, str]) -> Margins:
    """What auto_LiRPA says of margins.

    Raises:
        ValueError: the converted network computes something else than ONNX Runtime: that is not auto_LiRPA's fault.
    """
    import torch
    from auto_LiRPA import BoundedModule, BoundedTensor, PerturbationLpNorm

    network = converted(onnx, session)
    module = BoundedModule(
        network,
        torch.zeros(session.shape),
        bound_opts={"optimize_bound_args": {"iteration": int(settings["iterations"])}},
        device="cpu",
        verbose=False,
    )
    method = settings["method"]
    wanted = {module.output_name[0]: [module.input_name[0]]}

    def margins(box: Box, rows: Numbers) -> tuple[Numbers, Numbers]:
        lower, upper = (torch.from_numpy(end).reshape(session.shape) for end in (box.lower, box.upper))
        given = BoundedTensor(0.5 * (lower + upper), PerturbationLpNorm(x_L=lower, x_U=upper))
        widths = box.upper - box.lower
        if not len(rows):
            return np.zeros(0, np.float32), widths[np.newaxis]
        coefficients = torch.from_numpy(rows)[np.newaxis]
        arguments = {"x": (given,), "C": coefficients, "method": method, "bound_upper": False}
        if method == "IBP":
            lowest, _ = module.compute_bounds(**arguments)
            return lowest.detach().numpy()[0], np.broadcast_to(widths, (len(rows), len(widths)))
        lowest, _, linear = module.compute_bounds(**arguments, return_A=True, needed_A_dict=wanted)
        slopes = next(iter(linear[module.output_name[0]].values()))["lA"]
        return lowest.detach().numpy()[0], np.abs(slopes.detach().numpy().reshape(len(rows), -1)) * widths

    return margins


def converted(onnx: str, session: Session) -> Any:  # noqa: ANN401 (onnx2pytorch has no types)
    """The network as a PyTorch module."""
    import onnx as onnx_files
    import torch
    from onnx2pytorch import ConvertModel

    network = ConvertModel(onnx_files.load(onnx), experimental=True).eval()
    for point in np.random.default_rng(0).uniform(-1, 1, (3, int(np.prod(session.shape)))).astype(np.float32):
        with torch.no_grad():
            ours = network(torch.from_numpy(point).reshape(session.shape)).numpy().ravel()
        theirs = session.outputs(point)
        if ours.shape != theirs.shape or not np.abs(ours - theirs).max() <= _TOLERANCE * max(1, np.abs(theirs).max()):
            raise ValueError("onnx2pytorch made another network of it")
    return network


def adapt_torch() -> None:
    """What auto_LiRPA 0.3 expects of torch, and has moved or changed since."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger().setLevel(logging.ERROR)
    # By its name: as an attribute, torch.onnx has another module for it.
    symbolic_helper: Any = importlib.import_module("torch.onnx.symbolic_helper")
    if not hasattr(symbolic_helper, "_set_opset_version"):
        from torch.onnx._internal.torchscript_exporter._globals import GLOBALS

        symbolic_helper._set_opset_version = lambda version: setattr(GLOBALS, "export_onnx_opset_version", version)
    if not hasattr(torch._C.Node, "__getitem__"):
        node: Any = torch._C.Node
        node.__getitem__ = symbolic_helper._node_get
    package = types.ModuleType("torchvision")
    for name, functions in _TORCHVISION.items():
        module = types.ModuleType(f"torchvision.{name}")
        vars(module).update(dict.fromkeys(functions))
        setattr(package, name, module)
        sys.modules[module.__name__] = module
    sys.modules["torchvision"] = package

    from auto_LiRPA import BoundedModule

    members = BoundedModule._named_members

    def named_members(self: Any, get: Any, prefix: str = "", recurse: bool = True, **_: bool) -> Any:  # noqa: ANN401
        return members(self, get, prefix, recurse)

    bounded: Any = BoundedModule
    bounded._named_members = named_members


def outwards(numbers: list[float], direction: float) -> Numbers:
    """The nearest float32 that are not on the other side."""
    exact = np.array(numbers, np.float64)
    nearest = exact.astype(np.float32)
    is_inside = nearest > exact if direction < 0 else nearest < exact
    return np.where(is_inside, np.nextafter(nearest, np.float32(direction)), nearest).astype(np.float32)


if __name__ == "__main__":
    main()
