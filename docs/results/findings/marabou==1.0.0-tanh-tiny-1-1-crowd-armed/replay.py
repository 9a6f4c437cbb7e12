"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('bad-witness: marabou==1.0.0 says falsified of tanh-tiny-1-1-crowd-armed')
point = np.array([0.0015869140625, -0.0106201171875, -0.00103759765625, -0.00469970703125, 0.0006103515625, -0.01202392578125, -0.01171875, -0.0003662109375, 0.00372314453125, -0.0113525390625, -0.00933837890625, -0.01593017578125, -0.0072021484375, 0.00323486328125, -0.01708984375, 0.002197265625, -0.01031494140625, -0.0120849609375, 0.00494384765625, -0.00927734375, 0.00164794921875, -0.0130615234375, -0.00579833984375, -0.0191650390625], np.float32)
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
            F('0.0015869140625') <= X[0] <= F('0.01409912109375'),
            F('-0.0106201171875') <= X[1] <= F('0.00189208984375'),
            F('-0.00103759765625') <= X[2] <= F('0.011474609375'),
            F('-0.00469970703125') <= X[3] <= F('0.0078125'),
            F('0.0006103515625') <= X[4] <= F('0.0130615234375'),
            F('-0.01202392578125') <= X[5] <= F('0.00042724609375'),
            F('-0.01171875') <= X[6] <= F('0.00079345703125'),
            F('-0.0003662109375') <= X[7] <= F('0.01214599609375'),
            F('0.00372314453125') <= X[8] <= F('0.0162353515625'),
            F('-0.0113525390625') <= X[9] <= F('0.00115966796875'),
            F('-0.00933837890625') <= X[10] <= F('0.003173828125'),
            F('-0.01593017578125') <= X[11] <= F('-0.00347900390625'),
            F('-0.0072021484375') <= X[12] <= F('0.00531005859375'),
            F('0.00323486328125') <= X[13] <= F('0.00634765625'),
            F('-0.01708984375') <= X[14] <= F('-0.00457763671875'),
            F('0.002197265625') <= X[15] <= F('0.01470947265625'),
            F('-0.01031494140625') <= X[16] <= F('0.002197265625'),
            F('-0.0120849609375') <= X[17] <= F('0.00042724609375'),
            F('0.00494384765625') <= X[18] <= F('0.01739501953125'),
            F('-0.00927734375') <= X[19] <= F('0.00323486328125'),
            F('0.00164794921875') <= X[20] <= F('0.01409912109375'),
            F('-0.0130615234375') <= X[21] <= F('-0.00054931640625'),
            F('-0.00579833984375') <= X[22] <= F('0.0067138671875'),
            F('-0.0191650390625') <= X[23] <= F('0.00579833984375'),
        ]),
        all([
            F(0) + F('-1.0') * Y[2] <= F('-0.503216683864593505859375'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
