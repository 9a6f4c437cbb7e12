"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: auto_lirpa says verified of tight-summation-2-armed')
point = np.array([0.175380676984787, -0.09276097267866135, -0.10190063714981079, 0.1386047899723053, 0.17901690304279327, -0.15673702955245972, 0.22688250243663788, -0.038451239466667175, -0.05917670577764511, -0.06426086276769638, 0.09100889414548874, 0.09887229651212692, 0.10955636948347092, -0.17652687430381775, 0.10648192465305328, -0.23211005330085754, -0.24707366526126862, 0.1501011699438095, -0.16005642712116241, -0.10206305980682373, -0.16851314902305603, -0.0012242586817592382, -0.06966881453990936, 0.04680505394935608], np.float32)
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
            F('-0.203125') <= X[1] <= F('0.046875'),
            F('-0.1875') <= X[2] <= F('0.0625'),
            F('0.0625') <= X[3] <= F('0.3125'),
            F('-0.03125') <= X[4] <= F('0.21875'),
            F('-0.234375') <= X[5] <= F('0.015625'),
            F('0.015625') <= X[6] <= F('0.265625'),
            F('-0.140625') <= X[7] <= F('0.109375'),
            F('-0.265625') <= X[8] <= F('-0.015625'),
            F('-0.09375') <= X[9] <= F('0.15625'),
            F('-0.015625') <= X[10] <= F('0.234375'),
            F('0.03125') <= X[11] <= F('0.28125'),
            F('-0.03125') <= X[12] <= F('0.21875'),
            F('-0.328125') <= X[13] <= F('-0.078125'),
            F('0.0') <= X[14] <= F('0.25'),
            F('-0.34375') <= X[15] <= F('-0.09375'),
            F('-0.34375') <= X[16] <= F('-0.09375'),
            F('0.03125') <= X[17] <= F('0.28125'),
            F('-0.1875') <= X[18] <= F('0.0625'),
            F('-0.1875') <= X[19] <= F('0.0625'),
            F('-0.234375') <= X[20] <= F('0.015625'),
            F('-0.1875') <= X[21] <= F('0.0625'),
            F('-0.140625') <= X[22] <= F('0.109375'),
            F('-0.078125') <= X[23] <= F('0.171875'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
