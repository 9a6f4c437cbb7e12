"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('bad-witness: marabou==1.0.0 says falsified of sigmoid-far-1-1-scaled-armed')
point = np.array([0.5598613023757935, 0.43873342871665955, 0.31661495566368103, 0.5123944878578186, -0.5448855757713318, -0.5999032258987427, 0.39682579040527344, -0.4961663782596588, -0.6959980130195618, 0.27438437938690186, -0.6279296875, -0.7012677788734436, 0.6259904503822327, 0.5512086749076843, -0.3750779926776886, -0.5714026689529419, 0.4384836256504059, 0.5384596586227417, -0.5373674631118774, -0.5465686321258545, 0.45709025859832764, -0.3764808773994446, 0.4489278793334961, 0.26451563835144043], np.float32)
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
            F('0.52734375') <= X[0] <= F('0.5771484375'),
            F('0.404296875') <= X[1] <= F('0.6044921875'),
            F('0.2607421875') <= X[2] <= F('0.4609375'),
            F('0.4443359375') <= X[3] <= F('0.64453125'),
            F('-0.7080078125') <= X[4] <= F('-0.5078125'),
            F('-0.6748046875') <= X[5] <= F('-0.474609375'),
            F('0.38671875') <= X[6] <= F('0.5869140625'),
            F('-0.5361328125') <= X[7] <= F('-0.3359375'),
            F('-0.751953125') <= X[8] <= F('-0.3515625'),
            F('0.25390625') <= X[9] <= F('0.4541015625'),
            F('-0.6279296875') <= X[10] <= F('-0.427734375'),
            F('-0.76953125') <= X[11] <= F('-0.5703125'),
            F('0.544921875') <= X[12] <= F('0.744140625'),
            F('0.4833984375') <= X[13] <= F('0.68359375'),
            F('-0.45703125') <= X[14] <= F('-0.2568359375'),
            F('-0.6015625') <= X[15] <= F('-0.4013671875'),
            F('0.34765625') <= X[16] <= F('0.5478515625'),
            F('0.416015625') <= X[17] <= F('0.615234375'),
            F('-0.5615234375') <= X[18] <= F('-0.361328125'),
            F('-0.669921875') <= X[19] <= F('-0.4697265625'),
            F('0.3740234375') <= X[20] <= F('0.57421875'),
            F('-0.47265625') <= X[21] <= F('-0.2724609375'),
            F('0.3134765625') <= X[22] <= F('0.513671875'),
            F('0.2470703125') <= X[23] <= F('0.447265625'),
        ]),
        all([
            F(0) + F('1.0') * Y[0] + F('0.5') * Y[1] + F('0.5') * Y[2] + F('-1.0') * Y[3] <= F('0.15375690162181854248046875'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
