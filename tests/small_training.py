"""Trainings that take a second: few boxes, few steps, few points a step."""

import dataclasses

import numpy as np
import torch

from soundbench.dataset import draw_dataset
from soundbench.generate import one_thread
from soundbench.ground_truth import Position
from soundbench.moat import Moat
from soundbench.networks import build_network
from soundbench.published import Published
from soundbench.trained_recipe import Model, TrainedRecipe
from soundbench.trained_suite import TrainedSource
from soundbench.training import problem_of, train

SHAPE = (1, 5, 5)
MOAT = Moat(
    steps=12, walkers=2, uniform=1, corners=1, near=2, flips=1, check_every=4, check_restarts=1, check_grid=((0.5, 2),)
)
PAPER = Published(
    steps=6, window=3, attack_restarts=2, attack_iterations=2, check_every=2, light_restarts=1, strong_restarts=1,
    light_grid=((0.5, 2),), strong_grid=((0.1, 5),),
)  # fmt: skip
CLIMBING = dataclasses.replace(MOAT, climbers=3, reserve=30.0, bound_every=2)
METHODS = {"moat": MOAT, "climbing": CLIMBING, "paper": PAPER}


def dataset(*, armed=2, clean=1, radius=0.2, position=Position.CORNER, inputs=25, seed=0):
    return draw_dataset(inputs, radius, armed, clean, position, np.random.default_rng(seed))


def trained(method, checkpoint, *, identity="it", seed=0, architecture="cnn_tanh", report=str):
    """The weights that a training ends with, as one vector, and its log."""
    problem = problem_of(dataset(), SHAPE, torch.device("cpu"))
    network = build_network(architecture, SHAPE, seed)
    with one_thread():
        network, log = train(network, method, problem, seed, checkpoint=checkpoint, identity=identity, report=report)
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()]), log


def model(name="small", method=MOAT, architecture="cnn_1_conv", armed=2, clean=2):
    return Model(name, architecture, SHAPE, 0.2, Position.CORNER, armed, clean, method)


def source(*models, method="moat", seed=0):
    recipe = TrainedRecipe("small", "1", restarts=2, grid=((0.25, 0), (0.1, 50)), corners=100, models=tuple(models))
    return TrainedSource(recipe, "the text of the recipe", method, seed)
