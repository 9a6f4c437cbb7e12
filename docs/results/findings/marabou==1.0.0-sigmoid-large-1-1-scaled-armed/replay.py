"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of sigmoid-large-1-1-scaled-armed')
point = np.array([73.23125457763672, -7.822364330291748, 61.069732666015625, -57.85856628417969, 87.46597290039062, 135.2269287109375, -83.31576538085938, -113.77362060546875, 70.10216522216797, -51.51081848144531, -4.803123474121094, 1.0506036281585693, 57.1334228515625, -73.2691879272461, -104.79747009277344, -13.166858673095703, -33.93174362182617, -97.64788055419922, -10.808384895324707, 15.673697471618652, 11.614185333251953, 103.64409637451172, -86.87345123291016, -197.91726684570312], np.float32)
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
            F('-47.0') < X[0] < F('158.0'),
            F('-133.0') < X[1] < F('72.0'),
            F('28.0') < X[2] < F('233.0'),
            F('-214.0') < X[3] < F('-9.0'),
            F('-36.0') < X[4] < F('169.0'),
            F('49.0') < X[5] < F('253.0'),
            F('-177.0') < X[6] < F('28.0'),
            F('-214.0') < X[7] < F('-9.0'),
            F('-75.0') < X[8] < F('130.0'),
            F('-115.0') < X[9] < F('90.0'),
            F('-138.0') < X[10] < F('67.0'),
            F('-94.0') < X[11] < F('110.0'),
            F('5.0') < X[12] < F('210.0'),
            F('-214.0') < X[13] < F('-10.0'),
            F('-206.0') < X[14] < F('-2.0'),
            F('-39.0') < X[15] < F('166.0'),
            F('-170.0') < X[16] < F('35.0'),
            F('-211.0') < X[17] < F('-6.0'),
            F('-18.0') < X[18] < F('7.0'),
            F('-25.0') < X[19] < F('180.0'),
            F('-277.0') < X[20] < F('133.0'),
            F('-38.0') < X[21] < F('166.0'),
            F('-220.0') < X[22] < F('-16.0'),
            F('-233.0') < X[23] < F('-28.0'),
        ]),
        all([
            F(0) + F('-1.0') * Y[2] + F('1.0') * Y[3] <= F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
