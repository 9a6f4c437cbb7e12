"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of tanh-large-1-1-misaligned-armed')
point = np.array([108.75264739990234, 142.8468017578125, -143.7637176513672, -93.23577117919922, -121.05606079101562, 231.17262268066406, -249.3037872314453, -87.1341781616211, -28.961498260498047, -99.79613494873047, 220.24459838867188, -82.29754638671875, 56.37508010864258, 207.96836853027344, -60.984535217285156, 118.39366912841797, -128.77622985839844, -101.3883285522461, -103.12999725341797, -84.87438201904297, 166.48976135253906, 103.90880584716797, -42.57594299316406, 155.54110717773438], np.float32)
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
            F('-21.0') <= X[0] <= F('184.0'),
            F('57.0') <= X[1] <= F('262.0'),
            F('-219.0') <= X[2] <= F('-14.0'),
            F('-322.0') <= X[3] <= F('88.0'),
            F('-272.0') <= X[4] <= F('-68.0'),
            F('49.0') <= X[5] <= F('254.0'),
            F('-286.0') <= X[6] <= F('-81.0'),
            F('-162.0') <= X[7] <= F('43.0'),
            F('-146.0') <= X[8] <= F('58.0'),
            F('-178.0') <= X[9] <= F('27.0'),
            F('46.0') <= X[10] <= F('251.0'),
            F('-265.0') <= X[11] <= F('-60.0'),
            F('-39.0') <= X[12] <= F('166.0'),
            F('78.0') <= X[13] <= F('283.0'),
            F('-149.0') <= X[14] <= F('55.0'),
            F('23.0') <= X[15] <= F('228.0'),
            F('-161.0') <= X[16] <= F('44.0'),
            F('-186.0') <= X[17] <= F('18.0'),
            F('-129.0') <= X[18] <= F('-103.0'),
            F('-141.0') <= X[19] <= F('64.0'),
            F('11.0') <= X[20] <= F('215.0'),
            F('-51.0') <= X[21] <= F('154.0'),
            F('-135.0') <= X[22] <= F('70.0'),
            F('69.0') <= X[23] <= F('274.0'),
        ]),
        all([
            F(0) + F('-1.0') * Y[0] <= F('-1.60814952850341796875'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
