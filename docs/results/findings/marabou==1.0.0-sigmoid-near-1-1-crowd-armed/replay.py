"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('bad-witness: marabou==1.0.0 says falsified of sigmoid-near-1-1-crowd-armed')
point = np.array([-0.0205078125, 0.0556640625, -0.2138671875, -0.314453125, -0.265625, 0.0478515625, -0.279296875, -0.158203125, -0.142578125, -0.173828125, 0.044921875, -0.2587890625, -0.0380859375, 0.076171875, -0.1455078125, 0.0224609375, -0.1572265625, -0.181640625, -0.138671875, -0.1376953125, 0.0107421875, -0.0498046875, -0.1318359375, 0.0673828125], np.float32)
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
            F('-0.0205078125') <= X[0] <= F('0.1796875'),
            F('0.0556640625') <= X[1] <= F('0.255859375'),
            F('-0.2138671875') <= X[2] <= F('-0.013671875'),
            F('-0.314453125') <= X[3] <= F('0.0859375'),
            F('-0.265625') <= X[4] <= F('-0.06640625'),
            F('0.0478515625') <= X[5] <= F('0.248046875'),
            F('-0.279296875') <= X[6] <= F('-0.0791015625'),
            F('-0.158203125') <= X[7] <= F('0.0419921875'),
            F('-0.142578125') <= X[8] <= F('0.056640625'),
            F('-0.173828125') <= X[9] <= F('0.0263671875'),
            F('0.044921875') <= X[10] <= F('0.2451171875'),
            F('-0.2587890625') <= X[11] <= F('-0.05859375'),
            F('-0.0380859375') <= X[12] <= F('0.162109375'),
            F('0.076171875') <= X[13] <= F('0.2763671875'),
            F('-0.1455078125') <= X[14] <= F('0.0537109375'),
            F('0.0224609375') <= X[15] <= F('0.22265625'),
            F('-0.1572265625') <= X[16] <= F('0.04296875'),
            F('-0.181640625') <= X[17] <= F('0.017578125'),
            F('-0.138671875') <= X[18] <= F('-0.087890625'),
            F('-0.1376953125') <= X[19] <= F('0.0625'),
            F('0.0107421875') <= X[20] <= F('0.2099609375'),
            F('-0.0498046875') <= X[21] <= F('0.150390625'),
            F('-0.1318359375') <= X[22] <= F('0.068359375'),
            F('0.0673828125') <= X[23] <= F('0.267578125'),
        ]),
        all([
            F(0) + F('1.0') * Y[0] + F('-1.0') * Y[2] < F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
