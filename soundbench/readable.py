"""Can claims on an instance be judged? Its network must run, its property be read, and the two be of the same sizes."""

from collections.abc import Sequence
from pathlib import Path

from soundbench.instance import Instance
from soundbench.replay import open_onnx, require_equal
from soundbench.vnnlib import read_property

# Checking so many takes a moment.
_AT_ONCE = 100


class Readable:
    """Checks instances, each of them and each network once."""

    def __init__(self) -> None:
        self._sizes: dict[Path, tuple[int, int]] = {}
        self._checked: set[Instance] = set()

    def check_first(self, instances: Sequence[Instance]) -> None:
        """Check the first ones, before anything runs; the others of a large suite wait until their turn comes.

        Raises:
            InputError: see `check`.
        """
        for instance in instances[:_AT_ONCE]:
            self.check(instance)

    def check(self, instance: Instance) -> None:
        """Make sure that claims on the instance can be judged.

        Raises:
            InputError: its network cannot be run, its property cannot be read, or the two are of different sizes.
        """
        if instance in self._checked:
            return
        if instance.onnx not in self._sizes:
            self._sizes[instance.onnx] = open_onnx(instance.onnx).sizes()
        unsafe, (inputs, outputs) = read_property(instance.vnnlib), self._sizes[instance.onnx]
        require_equal(instance.onnx, "inputs", inputs, unsafe.input_count)
        require_equal(instance.onnx, "outputs", outputs, unsafe.output_count)
        self._checked.add(instance)
