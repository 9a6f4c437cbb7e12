"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of sigmoid-tiny-1-1-crowd-armed')
point = np.array([-0.0036442552227526903, -0.0010485665407031775, -0.012173814699053764, -0.012265489436686039, -0.009220547042787075, 0.0018458367558196187, 0.010635145008563995, 0.0026480508968234062, 0.007445068564265966, -0.001309086219407618, -0.0025491968262940645, 0.0012971721589565277, 0.003797581186518073, 0.001617052941583097, 0.004360337741672993, 0.010703609324991703, 0.006337593775242567, 0.004978527780622244, 0.005348485428839922, 0.0003677368222270161, -0.005294810514897108, 0.006531181279569864, -0.005121970549225807, -0.00892065279185772], np.float32)
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
            F('-0.0135498046875') <= X[0] <= F('-0.00103759765625'),
            F('-0.01104736328125') <= X[1] <= F('0.00146484375'),
            F('-0.01458740234375') <= X[2] <= F('-0.0020751953125'),
            F('-0.01580810546875') <= X[3] <= F('-0.0032958984375'),
            F('-0.01171875') <= X[4] <= F('0.00079345703125'),
            F('-0.00213623046875') <= X[5] <= F('0.01031494140625'),
            F('0.0050048828125') <= X[6] <= F('0.01751708984375'),
            F('0.00030517578125') <= X[7] <= F('0.0128173828125'),
            F('-0.00494384765625') <= X[8] <= F('0.00750732421875'),
            F('-0.010498046875') <= X[9] <= F('0.00201416015625'),
            F('-0.00799560546875') <= X[10] <= F('0.0045166015625'),
            F('-0.0068359375') <= X[11] <= F('0.00567626953125'),
            F('-0.00543212890625') <= X[12] <= F('0.007080078125'),
            F('-0.0052490234375') <= X[13] <= F('0.0072021484375'),
            F('-0.005615234375') <= X[14] <= F('0.0068359375'),
            F('0.00018310546875') <= X[15] <= F('0.0126953125'),
            F('0.003173828125') <= X[16] <= F('0.01568603515625'),
            F('-0.00079345703125') <= X[17] <= F('0.01171875'),
            F('-0.0032958984375') <= X[18] <= F('0.00921630859375'),
            F('0.00030517578125') <= X[19] <= F('0.0128173828125'),
            F('-0.01483154296875') <= X[20] <= F('-0.0023193359375'),
            F('-0.00335693359375') <= X[21] <= F('0.0091552734375'),
            F('-0.00909423828125') <= X[22] <= F('0.00335693359375'),
            F('-0.014404296875') <= X[23] <= F('-0.00189208984375'),
        ]),
        all([
            F(0) + F('1.0') * Y[2] + F('-1.0') * Y[3] <= F('0.0'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
