"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-last_digit-2-armed')
point = np.array([-0.08019564300775528, 0.1524377316236496, -0.139993354678154, 0.19270043075084686, -0.06845936179161072, -0.12486602365970612, -0.06152456998825073, 0.1557711809873581, 0.030587229877710342, 0.05888807773590088, -0.044476188719272614, -0.15622413158416748, 0.11558732390403748, 0.008602294139564037, -0.055427394807338715, 0.17673364281654358, -0.24443446099758148, 0.24074360728263855, -0.04792691022157669, 0.036822643131017685, -0.005574084352701902, 0.10283959656953812, -0.24058544635772705, 0.0717567577958107], np.float32)
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
            F('-0.125') <= X[0] <= F('0.125'),
            F('0.046875') <= X[1] <= F('0.296875'),
            F('-0.171875') <= X[2] <= F('0.078125'),
            F('0.109375') <= X[3] <= F('0.359375'),
            F('-0.109375') <= X[4] <= F('0.140625'),
            F('-0.15625') <= X[5] <= F('0.09375'),
            F('-0.21875') <= X[6] <= F('0.03125'),
            F('-0.015625') <= X[7] <= F('0.234375'),
            F('-0.015625') <= X[8] <= F('0.234375'),
            F('0.03125') <= X[9] <= F('0.28125'),
            F('-0.234375') <= X[10] <= F('0.015625'),
            F('-0.21875') <= X[11] <= F('0.03125'),
            F('0.046875') <= X[12] <= F('0.296875'),
            F('-0.203125') <= X[13] <= F('0.046875'),
            F('-0.125') <= X[14] <= F('0.125'),
            F('0.03125') <= X[15] <= F('0.28125'),
            F('-0.34375') <= X[16] <= F('-0.09375'),
            F('0.0625') <= X[17] <= F('0.3125'),
            F('-0.09375') <= X[18] <= F('0.15625'),
            F('-0.046875') <= X[19] <= F('0.203125'),
            F('-0.046875') <= X[20] <= F('0.203125'),
            F('-0.0625') <= X[21] <= F('0.1875'),
            F('-0.265625') <= X[22] <= F('-0.015625'),
            F('0.03125') <= X[23] <= F('0.28125'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
