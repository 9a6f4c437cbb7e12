"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-relative-1-armed')
point = np.array([0.10691298544406891, -0.12775790691375732, -0.12294803559780121, 0.02197803184390068, -0.246608167886734, 0.08767428249120712, -0.021125711500644684, 0.06979172676801682, 0.11064828932285309, -0.12743781507015228, -0.07608082890510559, -0.0479738712310791, 0.07366634160280228, 0.07008825242519379, 0.09842559695243835, 0.3491392433643341, -0.07040364295244217, -0.15594373643398285, 0.28658828139305115, -0.004863768350332975, -0.07233679294586182, -0.15458282828330994, 0.0032272047828882933, -0.11370932310819626], np.float32)
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
model = Path(__file__).with_name("network.onnx").read_bytes()
network = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
outputs = network.run(None, {'x': point.reshape((1, 24))})[0].ravel()
print("outputs:", *outputs.tolist())
if not np.isfinite(outputs).all():
    print("the property is violated: False (an output is not finite)")
    raise SystemExit
X, Y = [F(x) for x in point.tolist()], [F(y) for y in outputs.tolist()]
regions = [  # (the point is in the box, the outputs are unsafe)
    (
        all([
            F('0.0') <= X[0] <= F('0.25'),
            F('-0.3125') <= X[1] <= F('-0.0625'),
            F('-0.265625') <= X[2] <= F('-0.015625'),
            F('-0.09375') <= X[3] <= F('0.15625'),
            F('-0.34375') <= X[4] <= F('-0.09375'),
            F('0.015625') <= X[5] <= F('0.265625'),
            F('-0.09375') <= X[6] <= F('0.15625'),
            F('-0.078125') <= X[7] <= F('0.171875'),
            F('-0.09375') <= X[8] <= F('0.15625'),
            F('-0.234375') <= X[9] <= F('0.015625'),
            F('-0.21875') <= X[10] <= F('0.03125'),
            F('-0.171875') <= X[11] <= F('0.078125'),
            F('0.046875') <= X[12] <= F('0.296875'),
            F('0.03125') <= X[13] <= F('0.28125'),
            F('-0.015625') <= X[14] <= F('0.234375'),
            F('0.125') <= X[15] <= F('0.375'),
            F('-0.1875') <= X[16] <= F('0.0625'),
            F('-0.328125') <= X[17] <= F('-0.078125'),
            F('0.09375') <= X[18] <= F('0.34375'),
            F('-0.140625') <= X[19] <= F('0.109375'),
            F('-0.265625') <= X[20] <= F('-0.015625'),
            F('-0.3125') <= X[21] <= F('-0.0625'),
            F('-0.09375') <= X[22] <= F('0.15625'),
            F('-0.140625') <= X[23] <= F('0.109375'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
