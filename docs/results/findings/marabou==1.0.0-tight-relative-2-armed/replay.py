"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of tight-relative-2-armed')
point = np.array([0.16358378529548645, 0.10772505402565002, -0.029554925858974457, 0.1017942726612091, -0.03881046175956726, -0.040785811841487885, 0.04910033196210861, 0.15507104992866516, 0.21663740277290344, -0.15676018595695496, 0.04135236516594887, 0.22130264341831207, 0.07506643980741501, -0.12208395451307297, -0.0787838026881218, -0.04665151610970497, -0.12606534361839294, 0.2759029269218445, -0.20706062018871307, -0.07472074776887894, 0.1034265011548996, -0.04911745339632034, 0.11457470059394836, 0.19775521755218506], np.float32)
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
            F('0.109375') <= X[0] <= F('0.359375'),
            F('-0.015625') <= X[1] <= F('0.234375'),
            F('-0.1875') <= X[2] <= F('0.0625'),
            F('-0.09375') <= X[3] <= F('0.15625'),
            F('-0.09375') <= X[4] <= F('0.15625'),
            F('-0.109375') <= X[5] <= F('0.140625'),
            F('-0.078125') <= X[6] <= F('0.171875'),
            F('0.0625') <= X[7] <= F('0.3125'),
            F('0.09375') <= X[8] <= F('0.34375'),
            F('-0.1875') <= X[9] <= F('0.0625'),
            F('-0.15625') <= X[10] <= F('0.09375'),
            F('0.109375') <= X[11] <= F('0.359375'),
            F('0.046875') <= X[12] <= F('0.296875'),
            F('-0.3125') <= X[13] <= F('-0.0625'),
            F('-0.125') <= X[14] <= F('0.125'),
            F('-0.140625') <= X[15] <= F('0.109375'),
            F('-0.34375') <= X[16] <= F('-0.09375'),
            F('0.0625') <= X[17] <= F('0.3125'),
            F('-0.234375') <= X[18] <= F('0.015625'),
            F('-0.296875') <= X[19] <= F('-0.046875'),
            F('0.0') <= X[20] <= F('0.25'),
            F('-0.234375') <= X[21] <= F('0.015625'),
            F('0.078125') <= X[22] <= F('0.328125'),
            F('0.109375') <= X[23] <= F('0.359375'),
        ]),
        all([
            F(0) + F('-1.0') * Y[1] <= F('-1.5'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
