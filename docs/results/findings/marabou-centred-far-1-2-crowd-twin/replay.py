"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('false-alarm: marabou says falsified of centred-far-1-2-crowd-twin')
point = np.array([0.494140625, 0.5244140625, -0.7666015625, 0.5595703125, 0.255859375, 0.4248046875, 0.45703125, -0.4951171875, 0.576171875, -0.6103515625, 0.2373046875, 0.6572265625, 0.3349609375, 0.3876953125, 0.2314453125, 0.3848658800125122], np.float32)
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
            F('0.494140625') <= X[0] <= F('0.6943359375'),
            F('0.5244140625') <= X[1] <= F('0.724609375'),
            F('-0.7666015625') <= X[2] <= F('-0.56640625'),
            F('0.5595703125') <= X[3] <= F('0.759765625'),
            F('0.255859375') <= X[4] <= F('0.4560546875'),
            F('0.4248046875') <= X[5] <= F('0.625'),
            F('0.45703125') <= X[6] <= F('0.6572265625'),
            F('-0.4951171875') <= X[7] <= F('-0.294921875'),
            F('0.576171875') <= X[8] <= F('0.7763671875'),
            F('-0.6103515625') <= X[9] <= F('-0.41015625'),
            F('0.2373046875') <= X[10] <= F('0.4365234375'),
            F('0.6572265625') <= X[11] <= F('0.6572265625'),
            F('0.3349609375') <= X[12] <= F('0.53515625'),
            F('0.3876953125') <= X[13] <= F('0.587890625'),
            F('0.2314453125') <= X[14] <= F('0.431640625'),
            F('0.2607421875') <= X[15] <= F('0.4599609375'),
        ]),
        all([
            F(0) + F('1.0') * Y[0] + F('-1.0') * Y[1] <= F('0.0'),
        ]),
    ),
    (
        all([
            F('0.494140625') <= X[0] <= F('0.6943359375'),
            F('0.5244140625') <= X[1] <= F('0.724609375'),
            F('-0.7666015625') <= X[2] <= F('-0.56640625'),
            F('0.5595703125') <= X[3] <= F('0.759765625'),
            F('0.255859375') <= X[4] <= F('0.4560546875'),
            F('0.4248046875') <= X[5] <= F('0.625'),
            F('0.45703125') <= X[6] <= F('0.6572265625'),
            F('-0.4951171875') <= X[7] <= F('-0.294921875'),
            F('0.576171875') <= X[8] <= F('0.7763671875'),
            F('-0.6103515625') <= X[9] <= F('-0.41015625'),
            F('0.2373046875') <= X[10] <= F('0.4365234375'),
            F('0.6572265625') <= X[11] <= F('0.6572265625'),
            F('0.3349609375') <= X[12] <= F('0.53515625'),
            F('0.3876953125') <= X[13] <= F('0.587890625'),
            F('0.2314453125') <= X[14] <= F('0.431640625'),
            F('0.2607421875') <= X[15] <= F('0.4599609375'),
        ]),
        all([
            F(0) + F('1.0') * Y[0] + F('-1.0') * Y[2] <= F('0.0'),
        ]),
    ),
    (
        all([
            F('0.494140625') <= X[0] <= F('0.6943359375'),
            F('0.5244140625') <= X[1] <= F('0.724609375'),
            F('-0.7666015625') <= X[2] <= F('-0.56640625'),
            F('0.5595703125') <= X[3] <= F('0.759765625'),
            F('0.255859375') <= X[4] <= F('0.4560546875'),
            F('0.4248046875') <= X[5] <= F('0.625'),
            F('0.45703125') <= X[6] <= F('0.6572265625'),
            F('-0.4951171875') <= X[7] <= F('-0.294921875'),
            F('0.576171875') <= X[8] <= F('0.7763671875'),
            F('-0.6103515625') <= X[9] <= F('-0.41015625'),
            F('0.2373046875') <= X[10] <= F('0.4365234375'),
            F('0.6572265625') <= X[11] <= F('0.6572265625'),
            F('0.3349609375') <= X[12] <= F('0.53515625'),
            F('0.3876953125') <= X[13] <= F('0.587890625'),
            F('0.2314453125') <= X[14] <= F('0.431640625'),
            F('0.2607421875') <= X[15] <= F('0.4599609375'),
        ]),
        all([
            F(0) + F('1.0') * Y[0] + F('-1.0') * Y[3] <= F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
