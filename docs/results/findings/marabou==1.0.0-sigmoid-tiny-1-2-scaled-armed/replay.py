"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of sigmoid-tiny-1-2-scaled-armed')
point = np.array([-0.003509521484375, -0.012716015800833702, -0.005387220531702042, 0.00014149838534649462, -0.0069540711119771, 0.011016845703125, 0.0012066047638654709, 0.0008162114536389709, 0.012974381446838379, 0.00836181640625, -0.007614015601575375, -0.004928478971123695, -8.247452205978334e-05, -0.003241409547626972, 0.0013678051764145494, 0.008012589067220688, -0.009963938035070896, 0.0008822643430903554, 0.004125918727368116, -0.0070237149484455585, 0.013202185742557049, 0.0017697662115097046, 0.0032744617201387882, 0.014205722138285637], np.float32)
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
            F('-0.009765625') <= X[0] <= F('0.00274658203125'),
            F('-0.01605224609375') <= X[1] <= F('-0.0035400390625'),
            F('-0.01300048828125') <= X[2] <= F('-0.00048828125'),
            F('-0.00213623046875') <= X[3] <= F('0.0103759765625'),
            F('-0.009765625') <= X[4] <= F('0.002685546875'),
            F('0.0047607421875') <= X[5] <= F('0.01727294921875'),
            F('-0.006591796875') <= X[6] <= F('0.00592041015625'),
            F('-0.00750732421875') <= X[7] <= F('0.0050048828125'),
            F('0.0032958984375') <= X[8] <= F('0.01580810546875'),
            F('0.00836181640625') <= X[9] <= F('0.00836181640625'),
            F('-0.0115966796875') <= X[10] <= F('0.0008544921875'),
            F('-0.01287841796875') <= X[11] <= F('-0.0003662109375'),
            F('-0.00531005859375') <= X[12] <= F('0.0072021484375'),
            F('-0.0120849609375') <= X[13] <= F('0.00042724609375'),
            F('-0.0076904296875') <= X[14] <= F('0.00482177734375'),
            F('-0.002197265625') <= X[15] <= F('0.01031494140625'),
            F('-0.01690673828125') <= X[16] <= F('-0.00439453125'),
            F('-0.00567626953125') <= X[17] <= F('0.00677490234375'),
            F('-0.004150390625') <= X[18] <= F('0.00836181640625'),
            F('-0.00970458984375') <= X[19] <= F('0.0028076171875'),
            F('0.0030517578125') <= X[20] <= F('0.01556396484375'),
            F('-0.0008544921875') <= X[21] <= F('0.0115966796875'),
            F('0.00030517578125') <= X[22] <= F('0.0128173828125'),
            F('0.00384521484375') <= X[23] <= F('0.016357421875'),
        ]),
        all([
            F(0) + F('-1.0') * Y[2] <= F('-1.54297101497650146484375'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
