"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-saturated-2-armed')
point = np.array([-0.2477583885192871, 0.11493034660816193, 0.12924396991729736, 0.02767404541373253, -0.21381229162216187, 0.2001490443944931, -0.01236684899777174, -0.09679462015628815, -0.07300600409507751, 0.005397561471909285, -0.20944203436374664, -0.05558514967560768, -0.040699370205402374, 0.06573059409856796, -0.06629761308431625, -0.13722185790538788, 0.05080926790833473, -0.10506952553987503, 0.289846271276474, -0.20351721346378326, 0.23251794278621674, 0.011296719312667847, -0.20845508575439453, 0.14608711004257202], np.float32)
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
            F('-0.328125') <= X[0] <= F('-0.078125'),
            F('0.03125') <= X[1] <= F('0.28125'),
            F('-0.03125') <= X[2] <= F('0.21875'),
            F('-0.03125') <= X[3] <= F('0.21875'),
            F('-0.296875') <= X[4] <= F('-0.046875'),
            F('0.09375') <= X[5] <= F('0.34375'),
            F('-0.125') <= X[6] <= F('0.125'),
            F('-0.28125') <= X[7] <= F('-0.03125'),
            F('-0.25') <= X[8] <= F('0.0'),
            F('-0.171875') <= X[9] <= F('0.078125'),
            F('-0.265625') <= X[10] <= F('-0.015625'),
            F('-0.109375') <= X[11] <= F('0.140625'),
            F('-0.265625') <= X[12] <= F('-0.015625'),
            F('0.015625') <= X[13] <= F('0.265625'),
            F('-0.171875') <= X[14] <= F('0.078125'),
            F('-0.21875') <= X[15] <= F('0.03125'),
            F('-0.078125') <= X[16] <= F('0.171875'),
            F('-0.140625') <= X[17] <= F('0.109375'),
            F('0.078125') <= X[18] <= F('0.328125'),
            F('-0.234375') <= X[19] <= F('0.015625'),
            F('0.03125') <= X[20] <= F('0.28125'),
            F('-0.0625') <= X[21] <= F('0.1875'),
            F('-0.34375') <= X[22] <= F('-0.09375'),
            F('-0.046875') <= X[23] <= F('0.203125'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
