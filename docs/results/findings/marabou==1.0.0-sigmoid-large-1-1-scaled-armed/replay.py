"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of sigmoid-large-1-1-scaled-armed')
point = np.array([-18.707475662231445, -75.17971801757812, -219.45578002929688, -133.95777893066406, 5.730891704559326, 147.56199645996094, 97.2462158203125, -42.80158233642578, 31.975000381469727, -29.0, -22.766042709350586, 44.25286865234375, 64.4819107055664, 20.49379539489746, 167.24095153808594, 224.36793518066406, 38.83513641357422, 40.56819534301758, 146.6295928955078, -39.025001525878906, 101.24982452392578, 12.216595649719238, -170.59933471679688, -167.15597534179688], np.float32)
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
            F('-181.0') <= X[0] <= F('24.0'),
            F('-239.0') <= X[1] <= F('-34.0'),
            F('-259.0') <= X[2] <= F('-54.0'),
            F('-192.0') <= X[3] <= F('13.0'),
            F('-35.0') <= X[4] <= F('169.0'),
            F('82.0') <= X[5] <= F('287.0'),
            F('5.0') <= X[6] <= F('210.0'),
            F('-81.0') <= X[7] <= F('123.0'),
            F('-172.0') <= X[8] <= F('33.0'),
            F('-29.0') <= X[9] <= F('-29.0'),
            F('-112.0') <= X[10] <= F('93.0'),
            F('-89.0') <= X[11] <= F('116.0'),
            F('-86.0') <= X[12] <= F('118.0'),
            F('-92.0') <= X[13] <= F('112.0'),
            F('3.0') <= X[14] <= F('208.0'),
            F('52.0') <= X[15] <= F('257.0'),
            F('-13.0') <= X[16] <= F('192.0'),
            F('-54.0') <= X[17] <= F('151.0'),
            F('5.0') <= X[18] <= F('210.0'),
            F('-243.0') <= X[19] <= F('-38.0'),
            F('-55.0') <= X[20] <= F('150.0'),
            F('-149.0') <= X[21] <= F('55.0'),
            F('-236.0') <= X[22] <= F('-31.0'),
            F('-257.0') <= X[23] <= F('-52.0'),
        ]),
        all([
            F(0) + F('-1.0') * Y[2] + F('1.0') * Y[3] <= F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
