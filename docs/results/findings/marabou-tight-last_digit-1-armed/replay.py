"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-last_digit-1-armed')
point = np.array([-0.1826988011598587, -0.17632591724395752, 0.07177148759365082, 0.13263922929763794, 0.04994696006178856, 0.1307612657546997, 0.2351691871881485, 0.20934800803661346, -0.02420736476778984, -0.038794830441474915, 0.051592860370874405, 0.20305806398391724, -0.13824763894081116, -0.0930299311876297, -0.125159353017807, -0.10011762380599976, -0.15751397609710693, -0.00562825845554471, -0.048674263060092926, -0.09430550038814545, -0.02552797831594944, 0.27543917298316956, -0.2026933878660202, 0.03483811020851135], np.float32)
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
            F('-0.375') <= X[0] <= F('-0.125'),
            F('-0.3125') <= X[1] <= F('-0.0625'),
            F('-0.015625') <= X[2] <= F('0.234375'),
            F('0.015625') <= X[3] <= F('0.265625'),
            F('0.015625') <= X[4] <= F('0.265625'),
            F('0.0625') <= X[5] <= F('0.3125'),
            F('0.078125') <= X[6] <= F('0.328125'),
            F('0.03125') <= X[7] <= F('0.28125'),
            F('-0.171875') <= X[8] <= F('0.078125'),
            F('-0.09375') <= X[9] <= F('0.15625'),
            F('-0.15625') <= X[10] <= F('0.09375'),
            F('0.0625') <= X[11] <= F('0.3125'),
            F('-0.28125') <= X[12] <= F('-0.03125'),
            F('-0.265625') <= X[13] <= F('-0.015625'),
            F('-0.265625') <= X[14] <= F('-0.015625'),
            F('-0.1875') <= X[15] <= F('0.0625'),
            F('-0.25') <= X[16] <= F('0.0'),
            F('-0.046875') <= X[17] <= F('0.203125'),
            F('-0.15625') <= X[18] <= F('0.09375'),
            F('-0.171875') <= X[19] <= F('0.078125'),
            F('-0.25') <= X[20] <= F('0.0'),
            F('0.125') <= X[21] <= F('0.375'),
            F('-0.296875') <= X[22] <= F('-0.046875'),
            F('0.0') <= X[23] <= F('0.25'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
