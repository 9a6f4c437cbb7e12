"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of centred-large-1-1-misaligned-armed')
point = np.array([-68.92676544189453, -82.12110900878906, 174.0563201904297, -185.44076538085938, 77.55770874023438, 127.69562530517578, 209.24392700195312, -93.3401107788086, 108.89482879638672, -43.0, -8.666933059692383, -134.38560485839844, -114.47711944580078, 82.63787841796875, 102.3519515991211, -31.593576431274414], np.float32)
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
            F('-90.0') <= X[0] <= F('114.0'),
            F('-254.0') <= X[1] <= F('-49.0'),
            F('34.0') <= X[2] <= F('239.0'),
            F('-236.0') <= X[3] <= F('-31.0'),
            F('-104.0') <= X[4] <= F('101.0'),
            F('-10.0') <= X[5] <= F('195.0'),
            F('36.0') <= X[6] <= F('241.0'),
            F('-162.0') <= X[7] <= F('43.0'),
            F('79.0') <= X[8] <= F('283.0'),
            F('-43.0') <= X[9] <= F('-43.0'),
            F('-134.0') <= X[10] <= F('71.0'),
            F('-185.0') <= X[11] <= F('20.0'),
            F('-286.0') <= X[12] <= F('-81.0'),
            F('49.0') <= X[13] <= F('254.0'),
            F('-55.0') <= X[14] <= F('150.0'),
            F('-162.0') <= X[15] <= F('43.0'),
        ]),
        all([
            F(0) + F('1.0') * Y[0] + F('-1.0') * Y[1] <= F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
