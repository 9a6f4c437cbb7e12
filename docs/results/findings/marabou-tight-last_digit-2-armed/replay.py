"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of tight-last_digit-2-armed')
point = np.array([-0.03723343461751938, 0.12864308059215546, 0.1015983298420906, -0.03680400550365448, 0.10694368183612823, -0.30258646607398987, -0.1380932331085205, 0.10281650722026825, -0.16732150316238403, -0.2516501843929291, -0.16229380667209625, 0.11523067206144333, -0.0742330551147461, 0.20351332426071167, 0.08885015547275543, 0.27310770750045776, 0.07878856360912323, 0.27450302243232727, 0.04098263755440712, 0.15271589159965515, 0.1725628674030304, 0.18346300721168518, -0.31017637252807617, -0.015219382010400295], np.float32)
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
            F('-0.140625') <= X[0] <= F('0.109375'),
            F('0.015625') <= X[1] <= F('0.265625'),
            F('0.0625') <= X[2] <= F('0.3125'),
            F('-0.25') <= X[3] <= F('0.0'),
            F('-0.09375') <= X[4] <= F('0.15625'),
            F('-0.328125') <= X[5] <= F('-0.078125'),
            F('-0.328125') <= X[6] <= F('-0.078125'),
            F('-0.046875') <= X[7] <= F('0.203125'),
            F('-0.34375') <= X[8] <= F('-0.09375'),
            F('-0.34375') <= X[9] <= F('-0.09375'),
            F('-0.359375') <= X[10] <= F('-0.109375'),
            F('0.03125') <= X[11] <= F('0.28125'),
            F('-0.109375') <= X[12] <= F('0.140625'),
            F('0.015625') <= X[13] <= F('0.265625'),
            F('-0.046875') <= X[14] <= F('0.203125'),
            F('0.109375') <= X[15] <= F('0.359375'),
            F('0.0') <= X[16] <= F('0.25'),
            F('0.078125') <= X[17] <= F('0.328125'),
            F('-0.03125') <= X[18] <= F('0.21875'),
            F('0.0625') <= X[19] <= F('0.3125'),
            F('0.109375') <= X[20] <= F('0.359375'),
            F('-0.015625') <= X[21] <= F('0.234375'),
            F('-0.375') <= X[22] <= F('-0.125'),
            F('-0.1875') <= X[23] <= F('0.0625'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
