"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('false-alarm: marabou says falsified of centred-far-1-clean')
point = np.array([0.4638671875, 0.515625, -0.4501953125, 0.7001953125, 0.4228515625, 0.673828125, 0.47265625, -0.517578125, 0.7041015625, -0.443359375, 0.431640625, 0.771484375, 0.7783203125, 0.458984375, 0.7353515625, 0.6796875], np.float32)
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
            F('0.263671875') <= X[0] <= F('0.4638671875'),
            F('0.3154296875') <= X[1] <= F('0.515625'),
            F('-0.4501953125') <= X[2] <= F('-0.25'),
            F('0.5') <= X[3] <= F('0.7001953125'),
            F('0.22265625') <= X[4] <= F('0.4228515625'),
            F('0.4736328125') <= X[5] <= F('0.673828125'),
            F('0.2724609375') <= X[6] <= F('0.47265625'),
            F('-0.517578125') <= X[7] <= F('-0.3173828125'),
            F('0.50390625') <= X[8] <= F('0.7041015625'),
            F('-0.443359375') <= X[9] <= F('-0.244140625'),
            F('0.2314453125') <= X[10] <= F('0.431640625'),
            F('0.5712890625') <= X[11] <= F('0.771484375'),
            F('0.578125') <= X[12] <= F('0.7783203125'),
            F('0.259765625') <= X[13] <= F('0.458984375'),
            F('0.53515625') <= X[14] <= F('0.7353515625'),
            F('0.4794921875') <= X[15] <= F('0.6796875'),
        ]),
        all([
            F(0) + F('-1.0') * Y[0] + F('1.0') * Y[3] <= F('0.0'),
        ]),
    ),
    (
        all([
            F('0.263671875') <= X[0] <= F('0.4638671875'),
            F('0.3154296875') <= X[1] <= F('0.515625'),
            F('-0.4501953125') <= X[2] <= F('-0.25'),
            F('0.5') <= X[3] <= F('0.7001953125'),
            F('0.22265625') <= X[4] <= F('0.4228515625'),
            F('0.4736328125') <= X[5] <= F('0.673828125'),
            F('0.2724609375') <= X[6] <= F('0.47265625'),
            F('-0.517578125') <= X[7] <= F('-0.3173828125'),
            F('0.50390625') <= X[8] <= F('0.7041015625'),
            F('-0.443359375') <= X[9] <= F('-0.244140625'),
            F('0.2314453125') <= X[10] <= F('0.431640625'),
            F('0.5712890625') <= X[11] <= F('0.771484375'),
            F('0.578125') <= X[12] <= F('0.7783203125'),
            F('0.259765625') <= X[13] <= F('0.458984375'),
            F('0.53515625') <= X[14] <= F('0.7353515625'),
            F('0.4794921875') <= X[15] <= F('0.6796875'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] + F('1.0') * Y[3] <= F('0.0'),
        ]),
    ),
    (
        all([
            F('0.263671875') <= X[0] <= F('0.4638671875'),
            F('0.3154296875') <= X[1] <= F('0.515625'),
            F('-0.4501953125') <= X[2] <= F('-0.25'),
            F('0.5') <= X[3] <= F('0.7001953125'),
            F('0.22265625') <= X[4] <= F('0.4228515625'),
            F('0.4736328125') <= X[5] <= F('0.673828125'),
            F('0.2724609375') <= X[6] <= F('0.47265625'),
            F('-0.517578125') <= X[7] <= F('-0.3173828125'),
            F('0.50390625') <= X[8] <= F('0.7041015625'),
            F('-0.443359375') <= X[9] <= F('-0.244140625'),
            F('0.2314453125') <= X[10] <= F('0.431640625'),
            F('0.5712890625') <= X[11] <= F('0.771484375'),
            F('0.578125') <= X[12] <= F('0.7783203125'),
            F('0.259765625') <= X[13] <= F('0.458984375'),
            F('0.53515625') <= X[14] <= F('0.7353515625'),
            F('0.4794921875') <= X[15] <= F('0.6796875'),
        ]),
        all([
            F(0) + F('-1.0') * Y[2] + F('1.0') * Y[3] <= F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
