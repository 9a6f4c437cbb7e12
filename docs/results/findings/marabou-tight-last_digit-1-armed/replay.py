"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-last_digit-1-armed')
point = np.array([-0.1225963905453682, 0.09682054817676544, -0.07952538132667542, -0.09921719133853912, -0.17059366405010223, 0.03514152765274048, 0.05514034256339073, 0.04360733926296234, -0.0364709198474884, 0.1388639211654663, 0.0680832713842392, -0.2191232144832611, -0.11997183412313461, -0.06363795697689056, 0.08642790466547012, 0.0980214923620224, -0.2898096442222595, -0.015109552070498466, -0.03711944818496704, -0.06631195545196533, -0.171685129404068, -0.1906520575284958, -0.04818093776702881, 0.13275903463363647], np.float32)
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
            F('-0.28125') <= X[0] <= F('-0.03125'),
            F('0.03125') <= X[1] <= F('0.28125'),
            F('-0.125') <= X[2] <= F('0.125'),
            F('-0.296875') <= X[3] <= F('-0.046875'),
            F('-0.3125') <= X[4] <= F('-0.0625'),
            F('-0.15625') <= X[5] <= F('0.09375'),
            F('-0.046875') <= X[6] <= F('0.203125'),
            F('0.015625') <= X[7] <= F('0.265625'),
            F('-0.21875') <= X[8] <= F('0.03125'),
            F('-0.046875') <= X[9] <= F('0.203125'),
            F('-0.03125') <= X[10] <= F('0.21875'),
            F('-0.265625') <= X[11] <= F('-0.015625'),
            F('-0.203125') <= X[12] <= F('0.046875'),
            F('-0.234375') <= X[13] <= F('0.015625'),
            F('-0.109375') <= X[14] <= F('0.140625'),
            F('0.03125') <= X[15] <= F('0.28125'),
            F('-0.34375') <= X[16] <= F('-0.09375'),
            F('-0.046875') <= X[17] <= F('0.203125'),
            F('-0.09375') <= X[18] <= F('0.15625'),
            F('-0.1875') <= X[19] <= F('0.0625'),
            F('-0.3125') <= X[20] <= F('-0.0625'),
            F('-0.28125') <= X[21] <= F('-0.03125'),
            F('-0.234375') <= X[22] <= F('0.015625'),
            F('0.0625') <= X[23] <= F('0.3125'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
