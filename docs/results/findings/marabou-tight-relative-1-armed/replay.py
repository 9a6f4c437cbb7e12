"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-relative-1-armed')
point = np.array([-0.05135348066687584, 0.25199368596076965, 0.2303575724363327, -0.09878258407115936, -0.2268751859664917, 0.13494253158569336, -0.05509500205516815, 0.2768876850605011, 0.14064881205558777, 0.10302548855543137, -0.06418170034885406, -0.08991113305091858, 0.07082012295722961, 0.15290173888206482, -0.27185842394828796, -0.09571536630392075, 0.19973182678222656, -0.0428350605070591, 0.19264322519302368, 0.1007612869143486, 0.16461393237113953, 0.13787321746349335, 0.175740048289299, 0.13302458822727203], np.float32)
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
            F('-0.21875') <= X[0] <= F('0.03125'),
            F('0.09375') <= X[1] <= F('0.34375'),
            F('0.046875') <= X[2] <= F('0.296875'),
            F('-0.125') <= X[3] <= F('0.125'),
            F('-0.328125') <= X[4] <= F('-0.078125'),
            F('0.015625') <= X[5] <= F('0.265625'),
            F('-0.203125') <= X[6] <= F('0.046875'),
            F('0.109375') <= X[7] <= F('0.359375'),
            F('-0.078125') <= X[8] <= F('0.171875'),
            F('-0.0625') <= X[9] <= F('0.1875'),
            F('-0.25') <= X[10] <= F('0.0'),
            F('-0.25') <= X[11] <= F('0.0'),
            F('0.0') <= X[12] <= F('0.25'),
            F('-0.03125') <= X[13] <= F('0.21875'),
            F('-0.328125') <= X[14] <= F('-0.078125'),
            F('-0.3125') <= X[15] <= F('-0.0625'),
            F('0.03125') <= X[16] <= F('0.28125'),
            F('-0.140625') <= X[17] <= F('0.109375'),
            F('-0.015625') <= X[18] <= F('0.234375'),
            F('-0.046875') <= X[19] <= F('0.203125'),
            F('0.0') <= X[20] <= F('0.25'),
            F('0.109375') <= X[21] <= F('0.359375'),
            F('0.09375') <= X[22] <= F('0.34375'),
            F('-0.015625') <= X[23] <= F('0.234375'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
