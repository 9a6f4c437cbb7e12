"""Straight lines that bound an activation function over an interval, one a neuron: the functions, by type of node.

Each function takes a node and bounds of its source, shape (size,), and returns slope and intercept, shape (size,), such
that in exact arithmetic slope * x + intercept lies below (`_lower`) or above (`_upper`) the function on the interval.
"""

from . import bent_lines, convex_lines, s_shaped_lines
from .line import LineTable
from .network import Exp, LeakyRelu, Reciprocal, Relu, Sigmoid, Sign, Square, Tanh

LOWER_LINE: LineTable = {
    Relu: bent_lines.relu_lower,
    LeakyRelu: bent_lines.leaky_relu_lower,
    Sign: bent_lines.sign_lower,
    Exp: convex_lines.exp_lower,
    Square: convex_lines.square_lower,
    Reciprocal: convex_lines.reciprocal_lower,
    Tanh: s_shaped_lines.tanh_lower,
    Sigmoid: s_shaped_lines.sigmoid_lower,
}
STEEP_LOWER_LINE: LineTable = {
    **LOWER_LINE,
    Relu: bent_lines.relu_steep_lower,
    LeakyRelu: bent_lines.leaky_relu_steep_lower,
}
UPPER_LINE: LineTable = {
    Relu: bent_lines.relu_upper,
    LeakyRelu: bent_lines.leaky_relu_upper,
    Sign: bent_lines.sign_upper,
    Exp: convex_lines.exp_upper,
    Square: convex_lines.square_upper,
    Reciprocal: convex_lines.reciprocal_upper,
    Tanh: s_shaped_lines.tanh_upper,
    Sigmoid: s_shaped_lines.sigmoid_upper,
}
