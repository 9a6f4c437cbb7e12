"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of tanh-large-1-2-misaligned-armed')
point = np.array([-19.5, -160.53228759765625, 101.70964050292969, -89.45706939697266, -95.86767578125, -196.69578552246094, 158.433349609375, 107.49595642089844, 30.743328094482422, 50.083499908447266, -109.02954864501953, 92.51840209960938, 50.77312469482422, -158.0, 143.07090759277344, 117.8660659790039, 25.705453872680664, 91.49067687988281, -92.67185974121094, 65.51649475097656, 164.54849243164062, 94.28739929199219, -148.3988494873047, 112.92095947265625], np.float32)
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
            F('-122.0') < X[0] < F('83.0'),
            F('-253.0') < X[1] < F('-48.0'),
            F('3.0') < X[2] < F('208.0'),
            F('-146.0') < X[3] < F('59.0'),
            F('-257.0') < X[4] < F('-53.0'),
            F('-260.0') < X[5] < F('-55.0'),
            F('67.0') < X[6] < F('271.0'),
            F('-9.0') < X[7] < F('195.0'),
            F('-109.0') < X[8] < F('96.0'),
            F('11.0') < X[9] < F('216.0'),
            F('-224.0') < X[10] < F('-19.0'),
            F('-33.0') < X[11] < F('172.0'),
            F('-5.0') < X[12] < F('200.0'),
            F('-158.0') <= X[13] <= F('-158.0'),
            F('50.0') < X[14] < F('255.0'),
            F('-59.0') < X[15] < F('146.0'),
            F('-120.0') < X[16] < F('84.0'),
            F('-4.0') < X[17] < F('201.0'),
            F('-262.0') < X[18] < F('-57.0'),
            F('-79.0') < X[19] < F('126.0'),
            F('45.0') < X[20] < F('250.0'),
            F('31.0') < X[21] < F('236.0'),
            F('-195.0') < X[22] < F('10.0'),
            F('39.0') < X[23] < F('244.0'),
        ]),
        all([
            F(0) + F('1.0') * Y[0] + F('-1.0') * Y[1] <= F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
