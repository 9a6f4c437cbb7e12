"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print('unsound: marabou says verified of sigmoid-tiny-1-3-crowd-armed')
point = np.array([-0.001233813352882862, -0.004582840017974377, -0.001556396484375, -0.008023647591471672, 0.0002787964476738125, -0.00019002900808118284, -0.005001844372600317, 0.00933837890625, 0.0005857142386958003, 0.010368777438998222, -0.00877225212752819, 0.0014784231316298246, 0.001931533101014793, 0.009874233044683933, 0.0020992837380617857, -0.008000027388334274, 0.008072813041508198, 0.010986328125, 0.0008178835269063711, 0.012317460030317307, -0.0035462176892906427, 0.00553332781419158, 0.0123681565746665, 0.0024382832925766706], np.float32)
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
            F('-0.004150390625') <= X[0] <= F('0.00836181640625'),
            F('-0.01123046875') <= X[1] <= F('0.001220703125'),
            F('-0.0078125') <= X[2] <= F('0.00469970703125'),
            F('-0.01226806640625') <= X[3] <= F('0.000244140625'),
            F('-0.00408935546875') <= X[4] <= F('0.0084228515625'),
            F('-0.01007080078125') <= X[5] <= F('0.00244140625'),
            F('-0.01568603515625') <= X[6] <= F('-0.00323486328125'),
            F('0.00933837890625') <= X[7] <= F('0.00933837890625'),
            F('-0.0054931640625') <= X[8] <= F('0.0069580078125'),
            F('0.0015869140625') <= X[9] <= F('0.0140380859375'),
            F('-0.014892578125') <= X[10] <= F('-0.00238037109375'),
            F('-0.00006103515625') <= X[11] <= F('0.012451171875'),
            F('-0.00909423828125') <= X[12] <= F('0.00335693359375'),
            F('0.001953125') <= X[13] <= F('0.01446533203125'),
            F('-0.001708984375') <= X[14] <= F('0.01080322265625'),
            F('-0.01556396484375') <= X[15] <= F('-0.0030517578125'),
            F('0.00347900390625') <= X[16] <= F('0.0159912109375'),
            F('0.0047607421875') <= X[17] <= F('0.0172119140625'),
            F('-0.00994873046875') <= X[18] <= F('0.00250244140625'),
            F('0.0045166015625') <= X[19] <= F('0.0169677734375'),
            F('-0.0089111328125') <= X[20] <= F('0.0035400390625'),
            F('-0.00433349609375') <= X[21] <= F('0.0081787109375'),
            F('0.00396728515625') <= X[22] <= F('0.0164794921875'),
            F('0.00018310546875') <= X[23] <= F('0.0126953125'),
        ]),
        all([
            F(0) + F('-1.0') * Y[0] <= F('-3.5656912326812744140625'),
        ]),
    ),
]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {number}: the point is in the box: {inside}, the outputs are unsafe: {unsafe}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
