"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou==1.0.0 says verified of tanh-far-1-3-crowd-armed')
point = np.array([0.5587570071220398, -0.2722921073436737, 0.42380496859550476, 0.32448360323905945, 0.6710926294326782, 0.5404537320137024, -0.4964223802089691, -0.6547784209251404, -0.3837014138698578, 0.5397956371307373, 0.40442079305648804, 0.6116011142730713, 0.5176411867141724, 0.42001408338546753, -0.5417114496231079, -0.5667433738708496, -0.5921487212181091, -0.5726380348205566, -0.7319155931472778, -0.4431594908237457, -0.39135289192199707, -0.5016173124313354, 0.24804629385471344, 0.6276789307594299], np.float32)
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
            F('0.513671875') <= X[0] <= F('0.712890625'),
            F('-0.421875') <= X[1] <= F('-0.2216796875'),
            F('0.3720703125') <= X[2] <= F('0.572265625'),
            F('0.23828125') <= X[3] <= F('0.4375'),
            F('0.5068359375') <= X[4] <= F('0.70703125'),
            F('0.3955078125') <= X[5] <= F('0.595703125'),
            F('-0.66015625') <= X[6] <= F('-0.4599609375'),
            F('-0.6591796875') <= X[7] <= F('-0.634765625'),
            F('-0.4248046875') <= X[8] <= F('-0.224609375'),
            F('0.4462890625') <= X[9] <= F('0.646484375'),
            F('0.2275390625') <= X[10] <= F('0.427734375'),
            F('0.5390625') <= X[11] <= F('0.7392578125'),
            F('0.4140625') <= X[12] <= F('0.6142578125'),
            F('0.353515625') <= X[13] <= F('0.5537109375'),
            F('-0.6181640625') <= X[14] <= F('-0.41796875'),
            F('-0.6611328125') <= X[15] <= F('-0.4619140625'),
            F('-0.7236328125') <= X[16] <= F('-0.5234375'),
            F('-0.611328125') <= X[17] <= F('-0.4111328125'),
            F('-0.763671875') <= X[18] <= F('-0.5634765625'),
            F('-0.5615234375') <= X[19] <= F('-0.361328125'),
            F('-0.44140625') <= X[20] <= F('-0.2412109375'),
            F('-0.7900390625') <= X[21] <= F('-0.390625'),
            F('0.224609375') <= X[22] <= F('0.423828125'),
            F('0.578125') <= X[23] <= F('0.7783203125'),
        ]),
        all([
            F(0) + F('1.0') * Y[0] + F('0.5') * Y[1] + F('0.5') * Y[2] + F('-1.0') * Y[3] <= F('-0.9955055713653564453125'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
