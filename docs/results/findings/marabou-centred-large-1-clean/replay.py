"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('false-alarm: marabou says falsified of centred-large-1-clean')
point = np.array([-36.294342041015625, 47.0, 135.0, 45.0, -51.0, -107.1038818359375, 191.0, -164.0, 265.0, -83.0, -61.0, -169.0, 168.09207153320312, -225.0, 145.1717529296875, -8.0], np.float32)
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
model = Path(__file__).with_name("network.onnx").read_bytes()
network = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
outputs = network.run(None, {'x': point.reshape((1, 16))})[0].ravel()
print("outputs:", *outputs.tolist())
if not np.isfinite(outputs).all():
    print("the property is violated: False (an output is not finite)")
    raise SystemExit
X, Y = [F(x) for x in point.tolist()], [F(y) for y in outputs.tolist()]
regions = [  # (the point is in the box, the outputs are unsafe)
    (
        all([
            F('-130.0') <= X[0] <= F('75.0'),
            F('47.0') <= X[1] <= F('252.0'),
            F('-69.0') <= X[2] <= F('135.0'),
            F('45.0') <= X[3] <= F('250.0'),
            F('-51.0') <= X[4] <= F('154.0'),
            F('-164.0') <= X[5] <= F('41.0'),
            F('-13.0') <= X[6] <= F('191.0'),
            F('-164.0') <= X[7] <= F('41.0'),
            F('60.0') <= X[8] <= F('265.0'),
            F('-83.0') <= X[9] <= F('122.0'),
            F('-266.0') <= X[10] <= F('-61.0'),
            F('-169.0') <= X[11] <= F('36.0'),
            F('74.0') <= X[12] <= F('279.0'),
            F('-225.0') <= X[13] <= F('-20.0'),
            F('-57.0') <= X[14] <= F('147.0'),
            F('-8.0') <= X[15] <= F('197.0'),
        ]),
        all([
            F(0) + F('-1.0') * Y[0] + F('1.0') * Y[1] <= F('0.0'),
        ]),
    ),
    (
        all([
            F('-130.0') <= X[0] <= F('75.0'),
            F('47.0') <= X[1] <= F('252.0'),
            F('-69.0') <= X[2] <= F('135.0'),
            F('45.0') <= X[3] <= F('250.0'),
            F('-51.0') <= X[4] <= F('154.0'),
            F('-164.0') <= X[5] <= F('41.0'),
            F('-13.0') <= X[6] <= F('191.0'),
            F('-164.0') <= X[7] <= F('41.0'),
            F('60.0') <= X[8] <= F('265.0'),
            F('-83.0') <= X[9] <= F('122.0'),
            F('-266.0') <= X[10] <= F('-61.0'),
            F('-169.0') <= X[11] <= F('36.0'),
            F('74.0') <= X[12] <= F('279.0'),
            F('-225.0') <= X[13] <= F('-20.0'),
            F('-57.0') <= X[14] <= F('147.0'),
            F('-8.0') <= X[15] <= F('197.0'),
        ]),
        all([
            F(0) + F('1.0') * Y[1] + F('-1.0') * Y[2] <= F('0.0'),
        ]),
    ),
    (
        all([
            F('-130.0') <= X[0] <= F('75.0'),
            F('47.0') <= X[1] <= F('252.0'),
            F('-69.0') <= X[2] <= F('135.0'),
            F('45.0') <= X[3] <= F('250.0'),
            F('-51.0') <= X[4] <= F('154.0'),
            F('-164.0') <= X[5] <= F('41.0'),
            F('-13.0') <= X[6] <= F('191.0'),
            F('-164.0') <= X[7] <= F('41.0'),
            F('60.0') <= X[8] <= F('265.0'),
            F('-83.0') <= X[9] <= F('122.0'),
            F('-266.0') <= X[10] <= F('-61.0'),
            F('-169.0') <= X[11] <= F('36.0'),
            F('74.0') <= X[12] <= F('279.0'),
            F('-225.0') <= X[13] <= F('-20.0'),
            F('-57.0') <= X[14] <= F('147.0'),
            F('-8.0') <= X[15] <= F('197.0'),
        ]),
        all([
            F(0) + F('1.0') * Y[1] + F('-1.0') * Y[3] <= F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
