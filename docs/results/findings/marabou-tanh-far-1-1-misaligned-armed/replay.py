"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tanh-far-1-1-misaligned-armed')
point = np.array([0.53076171875, 0.4122394323348999, -0.5785919427871704, 0.5845691561698914, -0.54299396276474, 0.28634148836135864, -0.4427540898323059, 0.5763841867446899, 0.601101279258728, -0.3453332781791687, -0.30465301871299744, 0.61472088098526, 0.6082609295845032, -0.6573782563209534, 0.5272016525268555, -0.4335217773914337, 0.357421875, 0.6075649261474609, 0.5462793111801147, 0.41893884539604187, -0.44973352551460266, -0.4873902499675751, 0.52106112241745, 0.5444546937942505], np.float32)
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
            F('0.4306640625') <= X[0] <= F('0.630859375'),
            F('0.3779296875') <= X[1] <= F('0.578125'),
            F('-0.6240234375') <= X[2] <= F('-0.423828125'),
            F('0.548828125') <= X[3] <= F('0.7490234375'),
            F('-0.5693359375') <= X[4] <= F('-0.369140625'),
            F('0.228515625') <= X[5] <= F('0.427734375'),
            F('-0.5087890625') <= X[6] <= F('-0.3095703125'),
            F('0.5546875') <= X[7] <= F('0.7548828125'),
            F('0.513671875') <= X[8] <= F('0.7138671875'),
            F('-0.427734375') <= X[9] <= F('-0.2275390625'),
            F('-0.478515625') <= X[10] <= F('-0.279296875'),
            F('0.443359375') <= X[11] <= F('0.6435546875'),
            F('0.498046875') <= X[12] <= F('0.6982421875'),
            F('-0.75') <= X[13] <= F('-0.5498046875'),
            F('0.3828125') <= X[14] <= F('0.5830078125'),
            F('-0.484375') <= X[15] <= F('-0.2841796875'),
            F('0.357421875') <= X[16] <= F('0.357421875'),
            F('0.470703125') <= X[17] <= F('0.6708984375'),
            F('0.49609375') <= X[18] <= F('0.6962890625'),
            F('0.296875') <= X[19] <= F('0.4970703125'),
            F('-0.5302734375') <= X[20] <= F('-0.330078125'),
            F('-0.6240234375') <= X[21] <= F('-0.423828125'),
            F('0.4150390625') <= X[22] <= F('0.615234375'),
            F('0.4345703125') <= X[23] <= F('0.6337890625'),
        ]),
        all([
            F(0) + F('1.0') * Y[0] + F('-1.0') * Y[3] <= F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
