"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-saturated-1-armed')
point = np.array([-0.19182343780994415, -0.11422589421272278, -0.1446949988603592, -0.12005503475666046, 0.31290000677108765, -0.2309085577726364, -0.15139208734035492, -0.18615363538265228, 0.06707268208265305, 0.05315402150154114, 0.0440836101770401, -0.19577310979366302, -0.15613335371017456, -0.011864684522151947, 0.22129777073860168, 0.2939305603504181, -0.15131203830242157, -0.04731595888733864, -0.12116487324237823, 0.2487909197807312, 0.20940235257148743, 0.13788481056690216, -0.07165851444005966, -0.23071596026420593], np.float32)
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
            F('-0.234375') <= X[0] <= F('0.015625'),
            F('-0.203125') <= X[1] <= F('0.046875'),
            F('-0.21875') <= X[2] <= F('0.03125'),
            F('-0.3125') <= X[3] <= F('-0.0625'),
            F('0.109375') <= X[4] <= F('0.359375'),
            F('-0.265625') <= X[5] <= F('-0.015625'),
            F('-0.28125') <= X[6] <= F('-0.03125'),
            F('-0.328125') <= X[7] <= F('-0.078125'),
            F('0.03125') <= X[8] <= F('0.28125'),
            F('-0.125') <= X[9] <= F('0.125'),
            F('-0.078125') <= X[10] <= F('0.171875'),
            F('-0.34375') <= X[11] <= F('-0.09375'),
            F('-0.265625') <= X[12] <= F('-0.015625'),
            F('-0.21875') <= X[13] <= F('0.03125'),
            F('0.0') <= X[14] <= F('0.25'),
            F('0.125') <= X[15] <= F('0.375'),
            F('-0.265625') <= X[16] <= F('-0.015625'),
            F('-0.09375') <= X[17] <= F('0.15625'),
            F('-0.25') <= X[18] <= F('0.0'),
            F('0.125') <= X[19] <= F('0.375'),
            F('0.078125') <= X[20] <= F('0.328125'),
            F('-0.046875') <= X[21] <= F('0.203125'),
            F('-0.21875') <= X[22] <= F('0.03125'),
            F('-0.3125') <= X[23] <= F('-0.0625'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
