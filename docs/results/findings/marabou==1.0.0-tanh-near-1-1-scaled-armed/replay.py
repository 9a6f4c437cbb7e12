"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of tanh-near-1-1-scaled-armed')
point = np.array([-0.12595215439796448, 0.003228795249015093, -0.025368427857756615, 0.012827552855014801, 0.14413052797317505, -0.00196431134827435, 0.08701933175325394, 0.09476450830698013, -0.08508457988500595, 0.179527148604393, 0.059809520840644836, -0.0483173206448555, -0.07275751978158951, -0.028585929423570633, 0.0855342224240303, 0.04553763195872307, -0.15930555760860443, 0.16659024357795715, 0.17344315350055695, 0.01467285118997097, 0.17958371341228485, 0.1927945762872696, -0.032357241958379745, 0.1270541548728943], np.float32)
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
            F('-0.126953125') <= X[0] <= F('0.0732421875'),
            F('-0.1357421875') <= X[1] <= F('0.064453125'),
            F('-0.0693359375') <= X[2] <= F('0.130859375'),
            F('-0.1357421875') <= X[3] <= F('0.064453125'),
            F('-0.0234375') <= X[4] <= F('0.17578125'),
            F('-0.046875') <= X[5] <= F('0.1533203125'),
            F('-0.0654296875') <= X[6] <= F('0.134765625'),
            F('0.0654296875') <= X[7] <= F('0.265625'),
            F('-0.20703125') <= X[8] <= F('-0.0068359375'),
            F('0.0234375') <= X[9] <= F('0.2236328125'),
            F('-0.1005859375') <= X[10] <= F('0.0986328125'),
            F('-0.0693359375') <= X[11] <= F('0.130859375'),
            F('-0.1220703125') <= X[12] <= F('0.078125'),
            F('-0.1240234375') <= X[13] <= F('0.076171875'),
            F('0.048828125') <= X[14] <= F('0.2490234375'),
            F('-0.0693359375') <= X[15] <= F('0.130859375'),
            F('-0.271484375') <= X[16] <= F('-0.072265625'),
            F('-0.0087890625') <= X[17] <= F('0.1904296875'),
            F('0.0546875') <= X[18] <= F('0.2548828125'),
            F('0.013671875') <= X[19] <= F('0.2138671875'),
            F('0.072265625') <= X[20] <= F('0.2724609375'),
            F('0.021484375') <= X[21] <= F('0.220703125'),
            F('-0.056640625') <= X[22] <= F('0.1435546875'),
            F('-0.001953125') <= X[23] <= F('0.1982421875'),
        ]),
        all([
            F(0) + F('-1.0') * Y[2] + F('1.0') * Y[3] < F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
