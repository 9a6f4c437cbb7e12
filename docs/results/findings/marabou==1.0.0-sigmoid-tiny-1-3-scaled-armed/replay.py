"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of sigmoid-tiny-1-3-scaled-armed')
point = np.array([-0.0017074585193768144, 0.0066513060592114925, -0.01440277136862278, 0.01061248779296875, 0.016844483092427254, -0.01586761511862278, 0.0002456665097270161, -0.0006091308314353228, -0.01721038855612278, -0.0025009154342114925, -0.012326049618422985, 0.0010971069568768144, 0.01708831824362278, -0.0012805175501853228, 0.0015274047618731856, 0.004637451376765966, 0.01605072058737278, -0.0017684936756268144, 0.004395751748234034, -0.0036026001907885075, -0.0029281615279614925, 0.0018936156993731856, -0.0009140014881268144, 0.0045181275345385075], np.float32)
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
            F('-0.00177001953125') <= X[0] <= F('0.0107421875'),
            F('-0.00579833984375') <= X[1] <= F('0.0067138671875'),
            F('-0.01446533203125') <= X[2] <= F('-0.001953125'),
            F('0.00909423828125') <= X[3] <= F('0.0106201171875'),
            F('0.00445556640625') <= X[4] <= F('0.01690673828125'),
            F('-0.01593017578125') <= X[5] <= F('-0.00341796875'),
            F('0.00018310546875') <= X[6] <= F('0.0126953125'),
            F('-0.00067138671875') <= X[7] <= F('0.01177978515625'),
            F('-0.01727294921875') <= X[8] <= F('-0.0047607421875'),
            F('-0.0025634765625') <= X[9] <= F('0.00994873046875'),
            F('-0.012451171875') <= X[10] <= F('0.0125732421875'),
            F('-0.0113525390625') <= X[11] <= F('0.00115966796875'),
            F('0.004638671875') <= X[12] <= F('0.01715087890625'),
            F('-0.0013427734375') <= X[13] <= F('0.0111083984375'),
            F('0.00146484375') <= X[14] <= F('0.01397705078125'),
            F('-0.00775146484375') <= X[15] <= F('0.00469970703125'),
            F('0.00360107421875') <= X[16] <= F('0.01611328125'),
            F('-0.0018310546875') <= X[17] <= F('0.01068115234375'),
            F('0.00433349609375') <= X[18] <= F('0.01678466796875'),
            F('-0.01605224609375') <= X[19] <= F('-0.0035400390625'),
            F('-0.00299072265625') <= X[20] <= F('0.009521484375'),
            F('0.0018310546875') <= X[21] <= F('0.01434326171875'),
            F('-0.0009765625') <= X[22] <= F('0.01153564453125'),
            F('0.00445556640625') <= X[23] <= F('0.0169677734375'),
        ]),
        all([
            F(0) + F('0.5') * Y[0] + F('1.0') * Y[1] + F('0.5') * Y[2] + F('-1.0') * Y[3] <= F('-0.07115812599658966064453125'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
