"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of centred-near-1-4-scaled-armed')
point = np.array([-0.18743197619915009, 0.07744939625263214, -0.22197063267230988, -0.08248072862625122, 0.0049563623033463955, 0.12390252947807312, 0.0025312984362244606, 0.10731014609336853, 0.07018554955720901, -0.00618143193423748, 0.18906664848327637, -0.0651126429438591, -0.0015187375247478485, -0.09938214719295502, 0.24927714467048645, -0.10433129966259003], np.float32)
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
            F('-0.279296875') <= X[0] <= F('-0.080078125'),
            F('-0.0625') <= X[1] <= F('0.1376953125'),
            F('-0.2646484375') <= X[2] <= F('-0.064453125'),
            F('-0.2412109375') <= X[3] <= F('-0.041015625'),
            F('-0.0966796875') <= X[4] <= F('0.103515625'),
            F('-0.05078125') <= X[5] <= F('0.349609375'),
            F('-0.1533203125') <= X[6] <= F('0.046875'),
            F('0.033203125') <= X[7] <= F('0.2333984375'),
            F('0.044921875') <= X[8] <= F('0.0703125'),
            F('-0.1181640625') <= X[9] <= F('0.08203125'),
            F('0.029296875') <= X[10] <= F('0.2294921875'),
            F('-0.22265625') <= X[11] <= F('-0.0224609375'),
            F('-0.03125') <= X[12] <= F('0.1689453125'),
            F('-0.1806640625') <= X[13] <= F('0.0185546875'),
            F('0.0771484375') <= X[14] <= F('0.27734375'),
            F('-0.259765625') <= X[15] <= F('-0.060546875'),
        ]),
        all([
            F(0) + F('-1.0') * Y[3] <= F('-1.001641750335693359375'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
