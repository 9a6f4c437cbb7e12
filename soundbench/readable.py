"""Can claims on an instance be judged? Its network must run, its property be read, and the two be of the same sizes."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from soundbench.errors import InputError, one_line
from soundbench.instance import Instance, Property, subject
from soundbench.interface import Interface
from soundbench.replay import open_onnx, require_equal
from soundbench.tried_network import Found
from soundbench.vnnlib import read_property

# Checking so many takes a moment.
_AT_ONCE = 100


def read_fitting(instance: Instance, network: Found) -> Property:
    """An instance's property, to be judged by; `network` is what was found when the instance's was tried.

    Raises:
        InputError: the network cannot be run, the property cannot be read, or the two are of different sizes.
    """
    if isinstance(network, InputError):
        raise network
    unsafe = read_property(instance.vnnlib)
    require_equal(instance.onnx, "inputs", network.input.size, unsafe.input_count)
    require_equal(instance.onnx, "outputs", network.output.size, unsafe.output_count)
    return unsafe


class Readable:
    """Checks instances, each of them and each network once; `unreadable` has the reasons of `allows`."""

    def __init__(self) -> None:
        self.unreadable: dict[Instance, str] = {}
        self._lock = threading.Lock()
        self._networks: dict[Path, Interface] = {}
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
        if instance.onnx not in self._networks:
            self._networks[instance.onnx] = open_onnx(instance.onnx).interface()
        read_fitting(instance, self._networks[instance.onnx])
        self._checked.add(instance)

    def allows(self, instance: Instance, tell: Callable[[str], None]) -> bool:
        """Whether claims on the instance can be judged; where they cannot, `tell` is told so, once. From any thread."""
        with self._lock:
            if instance in self.unreadable:
                return False
            try:
                self.check(instance)
            except InputError as error:
                self.unreadable[instance] = reason = one_line(error)
                name = subject(instance.name, instance.variant)
                tell(f"{name} is not run, since no claim on it could be judged: {reason}")
                return False
        return True
