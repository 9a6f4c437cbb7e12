"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-saturated-2-armed')
point = np.array([0.13328160345554352, 0.11918453872203827, 0.12964868545532227, 0.18499484658241272, -0.02695811726152897, -0.16183266043663025, -0.004220425151288509, -0.09749298542737961, 0.10745443403720856, -0.10842940956354141, -0.13780352473258972, -0.16530068218708038, 0.1995900571346283, -0.08777937293052673, -0.2673242390155792, 0.2467081993818283, 0.26407063007354736, 0.23378023505210876, -0.056607436388731, -0.22631950676441193, -0.04948419705033302, -0.08197931945323944, -0.03499213978648186, -0.007148414850234985], np.float32)
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
            F('-0.078125') <= X[0] <= F('0.171875'),
            F('0.03125') <= X[1] <= F('0.28125'),
            F('0.09375') <= X[2] <= F('0.34375'),
            F('0.0625') <= X[3] <= F('0.3125'),
            F('-0.0625') <= X[4] <= F('0.1875'),
            F('-0.265625') <= X[5] <= F('-0.015625'),
            F('-0.0625') <= X[6] <= F('0.1875'),
            F('-0.203125') <= X[7] <= F('0.046875'),
            F('0.0') <= X[8] <= F('0.25'),
            F('-0.203125') <= X[9] <= F('0.046875'),
            F('-0.234375') <= X[10] <= F('0.015625'),
            F('-0.28125') <= X[11] <= F('-0.03125'),
            F('0.109375') <= X[12] <= F('0.359375'),
            F('-0.15625') <= X[13] <= F('0.09375'),
            F('-0.34375') <= X[14] <= F('-0.09375'),
            F('0.03125') <= X[15] <= F('0.28125'),
            F('0.109375') <= X[16] <= F('0.359375'),
            F('0.046875') <= X[17] <= F('0.296875'),
            F('-0.140625') <= X[18] <= F('0.109375'),
            F('-0.34375') <= X[19] <= F('-0.09375'),
            F('-0.078125') <= X[20] <= F('0.171875'),
            F('-0.25') <= X[21] <= F('0.0'),
            F('-0.109375') <= X[22] <= F('0.140625'),
            F('-0.140625') <= X[23] <= F('0.109375'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
