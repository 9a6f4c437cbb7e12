"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-relative-2-armed')
point = np.array([-0.12763063609600067, 0.24103502929210663, 0.07735784351825714, 0.07838010787963867, 0.2614608407020569, 0.2822624742984772, -0.2546705901622772, -0.19707806408405304, 0.009155070409178734, 0.00641786539927125, 0.2760588526725769, 0.14330671727657318, -0.06498882174491882, -0.004979224409908056, 0.20807944238185883, -0.05409921333193779, -0.129397451877594, 0.1053849533200264, 0.17388558387756348, -0.13527637720108032, 0.025515906512737274, -0.0941585972905159, -0.25331777334213257, 0.05742703750729561], np.float32)
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
            F('-0.3125') <= X[0] <= F('-0.0625'),
            F('0.109375') <= X[1] <= F('0.359375'),
            F('0.015625') <= X[2] <= F('0.265625'),
            F('-0.015625') <= X[3] <= F('0.234375'),
            F('0.0625') <= X[4] <= F('0.3125'),
            F('0.125') <= X[5] <= F('0.375'),
            F('-0.34375') <= X[6] <= F('-0.09375'),
            F('-0.34375') <= X[7] <= F('-0.09375'),
            F('-0.125') <= X[8] <= F('0.125'),
            F('-0.078125') <= X[9] <= F('0.171875'),
            F('0.109375') <= X[10] <= F('0.359375'),
            F('0.109375') <= X[11] <= F('0.359375'),
            F('-0.09375') <= X[12] <= F('0.15625'),
            F('-0.125') <= X[13] <= F('0.125'),
            F('0.125') <= X[14] <= F('0.375'),
            F('-0.125') <= X[15] <= F('0.125'),
            F('-0.171875') <= X[16] <= F('0.078125'),
            F('0.046875') <= X[17] <= F('0.296875'),
            F('0.078125') <= X[18] <= F('0.328125'),
            F('-0.234375') <= X[19] <= F('0.015625'),
            F('-0.15625') <= X[20] <= F('0.09375'),
            F('-0.21875') <= X[21] <= F('0.03125'),
            F('-0.28125') <= X[22] <= F('-0.03125'),
            F('-0.046875') <= X[23] <= F('0.203125'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
