"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of tanh-far-1-1-crowd-armed')
point = np.array([0.7343505620956421, -0.4658447206020355, 0.3076415956020355, 0.7773241996765137, 0.5507568120956421, 0.5273633003234863, -0.7079833745956421, -0.5917724370956421, -0.7060302495956421, 0.5195556879043579, 0.4657959043979645, 0.3066650331020355, 0.5741943120956421, 0.5799511671066284, -0.6786864995956421, -0.5575927495956421, -0.5644775629043579, -0.2783447206020355, -0.6904052495956421, -0.7538818120956421, -0.4589599668979645, -0.34279295802116394, 0.3642822206020355, 0.15336914360523224], np.float32)
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
            F('0.53515625') <= X[0] <= F('0.7353515625'),
            F('-0.6650390625') <= X[1] <= F('-0.46484375'),
            F('0.306640625') <= X[2] <= F('0.5068359375'),
            F('0.5791015625') <= X[3] <= F('0.7783203125'),
            F('0.3515625') <= X[4] <= F('0.5517578125'),
            F('0.5263671875') <= X[5] <= F('0.7255859375'),
            F('-0.708984375') <= X[6] <= F('-0.5087890625'),
            F('-0.5927734375') <= X[7] <= F('-0.392578125'),
            F('-0.70703125') <= X[8] <= F('-0.5068359375'),
            F('0.5185546875') <= X[9] <= F('0.71875'),
            F('0.2666015625') <= X[10] <= F('0.466796875'),
            F('0.3056640625') <= X[11] <= F('0.505859375'),
            F('0.375') <= X[12] <= F('0.5751953125'),
            F('0.5546875') <= X[13] <= F('0.580078125'),
            F('-0.6796875') <= X[14] <= F('-0.4794921875'),
            F('-0.55859375') <= X[15] <= F('-0.3583984375'),
            F('-0.763671875') <= X[16] <= F('-0.5634765625'),
            F('-0.4775390625') <= X[17] <= F('-0.27734375'),
            F('-0.69140625') <= X[18] <= F('-0.4912109375'),
            F('-0.7548828125') <= X[19] <= F('-0.5546875'),
            F('-0.4599609375') <= X[20] <= F('-0.259765625'),
            F('-0.541015625') <= X[21] <= F('-0.341796875'),
            F('0.36328125') <= X[22] <= F('0.5634765625'),
            F('0.1513671875') <= X[23] <= F('0.5517578125'),
        ]),
        all([
            F(0) + F('-1.0') * Y[0] + F('1.0') * Y[2] <= F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
