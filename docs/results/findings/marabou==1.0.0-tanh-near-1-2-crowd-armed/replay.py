"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of tanh-near-1-2-crowd-armed')
point = np.array([0.08717323839664459, 0.16675251722335815, -0.23161959648132324, 0.007235994562506676, 0.09039755165576935, 0.02781255915760994, -0.03455081582069397, -0.017278574407100677, 0.01925784721970558, 0.07936107367277145, -0.03618564456701279, -0.15785185992717743, 0.10477472096681595, -0.06478983163833618, 0.06428968906402588, -0.025330007076263428, -0.11637319624423981, 0.10748034715652466, 0.020990455523133278, 0.20263126492500305, -0.13899140059947968, -0.1393069177865982, 0.1650390625, -0.04373757168650627], np.float32)
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
            F('0.025390625') <= X[0] <= F('0.224609375'),
            F('0.005859375') <= X[1] <= F('0.2060546875'),
            F('-0.255859375') <= X[2] <= F('-0.056640625'),
            F('-0.1640625') <= X[3] <= F('0.0361328125'),
            F('0.0234375') <= X[4] <= F('0.2236328125'),
            F('-0.0107421875') <= X[5] <= F('0.189453125'),
            F('-0.1103515625') <= X[6] <= F('0.08984375'),
            F('-0.1162109375') <= X[7] <= F('0.083984375'),
            F('-0.08203125') <= X[8] <= F('0.1181640625'),
            F('0.0166015625') <= X[9] <= F('0.216796875'),
            F('-0.173828125') <= X[10] <= F('0.0263671875'),
            F('-0.1826171875') <= X[11] <= F('0.017578125'),
            F('0.0693359375') <= X[12] <= F('0.26953125'),
            F('-0.205078125') <= X[13] <= F('-0.0048828125'),
            F('0.041015625') <= X[14] <= F('0.2412109375'),
            F('-0.1953125') <= X[15] <= F('0.0048828125'),
            F('-0.1865234375') <= X[16] <= F('0.013671875'),
            F('0.021484375') <= X[17] <= F('0.2216796875'),
            F('-0.1396484375') <= X[18] <= F('0.060546875'),
            F('0.03125') <= X[19] <= F('0.2314453125'),
            F('-0.1630859375') <= X[20] <= F('0.037109375'),
            F('-0.2685546875') <= X[21] <= F('-0.068359375'),
            F('0.1650390625') <= X[22] <= F('0.1650390625'),
            F('-0.13671875') <= X[23] <= F('0.0634765625'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] + F('1.0') * Y[3] < F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
