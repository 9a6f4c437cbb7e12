"""What a network takes and what it gives: its one input tensor and its one output tensor."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Declaration:
    """A tensor: its name, its element type in ONNX's words (`float32`), and its shape."""

    name: str
    element_type: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    def element_name(self, index: int) -> str:
        """What VNN-LIB 2.0 calls an element (`x[0,7]`), by its index in row-major order."""
        indices: list[str] = []
        for length in reversed(self.shape):
            index, position = divmod(index, length)
            indices.insert(0, str(position))
        return f"{self.name}[{','.join(indices)}]" if indices else self.name


@dataclass(frozen=True, slots=True)
class Interface:
    """A network's input and output."""

    input: Declaration
    output: Declaration
