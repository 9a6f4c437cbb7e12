"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of tanh-large-1-2-scaled-armed')
point = np.array([164.53866577148438, -49.267356872558594, 97.47337341308594, -226.96981811523438, -124.5, 73.96875, -146.5, 29.759231567382812, -164.24478149414062, 167.16323852539062, 45.295345306396484, 162.11798095703125, -68.04588317871094, 12.774258613586426, 132.0, 69.49750518798828, -152.4047088623047, -179.0325927734375, -139.51100158691406, 42.106971740722656, 63.92848587036133, -164.13047790527344, 238.2691650390625, 101.2631607055664], np.float32)
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
            F('65.0') <= X[0] <= F('270.0'),
            F('-127.0') <= X[1] <= F('78.0'),
            F('28.0') <= X[2] <= F('233.0'),
            F('-252.0') <= X[3] <= F('-47.0'),
            F('-227.0') <= X[4] <= F('-22.0'),
            F('16.0') <= X[5] <= F('221.0'),
            F('-249.0') <= X[6] <= F('-44.0'),
            F('-133.0') <= X[7] <= F('72.0'),
            F('-242.0') <= X[8] <= F('-37.0'),
            F('40.0') <= X[9] <= F('244.0'),
            F('-17.0') <= X[10] <= F('188.0'),
            F('81.0') <= X[11] <= F('286.0'),
            F('-112.0') <= X[12] <= F('93.0'),
            F('-21.0') <= X[13] <= F('184.0'),
            F('132.0') <= X[14] <= F('132.0'),
            F('-85.0') <= X[15] <= F('120.0'),
            F('-212.0') <= X[16] <= F('-7.0'),
            F('-271.0') <= X[17] <= F('-66.0'),
            F('-210.0') <= X[18] <= F('-5.0'),
            F('-68.0') <= X[19] <= F('136.0'),
            F('-32.0') <= X[20] <= F('173.0'),
            F('-264.0') <= X[21] <= F('-59.0'),
            F('66.0') <= X[22] <= F('271.0'),
            F('0.0') <= X[23] <= F('205.0'),
        ]),
        all([
            F(0) + F('0.5') * Y[0] + F('1.0') * Y[1] + F('0.5') * Y[2] + F('-1.0') * Y[3] <= F('-1.02576839923858642578125'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
