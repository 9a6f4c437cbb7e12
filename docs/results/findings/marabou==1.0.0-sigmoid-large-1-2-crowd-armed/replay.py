"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of sigmoid-large-1-2-crowd-armed')
point = np.array([-122.61228942871094, 78.10883331298828, 141.1765899658203, 144.56715393066406, -77.236083984375, -192.64053344726562, -91.66200256347656, 212.75820922851562, -113.61582946777344, 182.9578399658203, 67.68559265136719, -42.19253921508789, -157.2958221435547, -60.61613464355469, -99.47755432128906, -163.84011840820312, -20.516700744628906, 210.09779357910156, -74.51484680175781, 151.8899688720703, -31.378795623779297, 35.07065200805664, -14.624113082885742, 195.98680114746094], np.float32)
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
            F('-273.0') <= X[0] <= F('-68.0'),
            F('-30.0') <= X[1] <= F('175.0'),
            F('12.0') <= X[2] <= F('217.0'),
            F('63.0') <= X[3] <= F('268.0'),
            F('-214.0') <= X[4] <= F('-9.0'),
            F('-215.0') <= X[5] <= F('-10.0'),
            F('-215.0') <= X[6] <= F('-10.0'),
            F('67.0') <= X[7] <= F('272.0'),
            F('-242.0') <= X[8] <= F('-37.0'),
            F('75.0') <= X[9] <= F('280.0'),
            F('-5.0') <= X[10] <= F('200.0'),
            F('-171.0') <= X[11] <= F('34.0'),
            F('-265.0') <= X[12] <= F('-60.0'),
            F('-204.0') <= X[13] <= F('1.0'),
            F('-227.0') <= X[14] <= F('-22.0'),
            F('-254.0') <= X[15] <= F('-50.0'),
            F('-60.0') <= X[16] <= F('144.0'),
            F('37.0') <= X[17] <= F('242.0'),
            F('-188.0') <= X[18] <= F('17.0'),
            F('43.0') <= X[19] <= F('248.0'),
            F('-121.0') <= X[20] <= F('84.0'),
            F('-20.0') <= X[21] <= F('185.0'),
            F('-49.0') <= X[22] <= F('156.0'),
            F('76.0') <= X[23] <= F('281.0'),
        ]),
        all([
            F(0) + F('-1.0') * Y[0] + F('1.0') * Y[2] < F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
