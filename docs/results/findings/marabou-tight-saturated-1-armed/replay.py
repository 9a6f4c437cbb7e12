"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-saturated-1-armed')
point = np.array([-0.19313748180866241, 0.086611807346344, -0.0038634417578577995, 0.2603687644004822, 0.1545381098985672, 0.024271801114082336, 0.2792009115219116, 0.08513449877500534, 0.1743178814649582, -0.2269190102815628, -0.03350791707634926, 0.2614622712135315, 0.13246923685073853, 0.0762244239449501, 0.03938087075948715, 0.2528710961341858, -0.1983574479818344, 0.10405263304710388, 0.25090107321739197, -0.01981176808476448, -0.18825320899486542, 0.2768806219100952, 0.06711620837450027, 0.18542169034481049], np.float32)
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
            F('-0.265625') <= X[0] <= F('-0.015625'),
            F('-0.015625') <= X[1] <= F('0.234375'),
            F('-0.09375') <= X[2] <= F('0.15625'),
            F('0.109375') <= X[3] <= F('0.359375'),
            F('-0.0625') <= X[4] <= F('0.1875'),
            F('-0.078125') <= X[5] <= F('0.171875'),
            F('0.125') <= X[6] <= F('0.375'),
            F('-0.125') <= X[7] <= F('0.125'),
            F('-0.03125') <= X[8] <= F('0.21875'),
            F('-0.34375') <= X[9] <= F('-0.09375'),
            F('-0.140625') <= X[10] <= F('0.109375'),
            F('0.125') <= X[11] <= F('0.375'),
            F('-0.03125') <= X[12] <= F('0.21875'),
            F('-0.140625') <= X[13] <= F('0.109375'),
            F('-0.109375') <= X[14] <= F('0.140625'),
            F('0.046875') <= X[15] <= F('0.296875'),
            F('-0.25') <= X[16] <= F('0.0'),
            F('0.046875') <= X[17] <= F('0.296875'),
            F('0.03125') <= X[18] <= F('0.28125'),
            F('-0.125') <= X[19] <= F('0.125'),
            F('-0.265625') <= X[20] <= F('-0.015625'),
            F('0.125') <= X[21] <= F('0.375'),
            F('-0.15625') <= X[22] <= F('0.09375'),
            F('0.0625') <= X[23] <= F('0.3125'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
