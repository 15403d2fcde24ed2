"""Writes net.pt2 and data.npz, and prints the losses in f64 with each kind of BatchNorm's statistics (torch 2.9).

python batch_norm.py && python ../scrub.py net.pt2
"""

import copy

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 4))
with torch.no_grad():
    for p in net.parameters():
        p += 0.1 * torch.randn_like(p)
for _ in range(4):
    net(torch.randn(32, 6) * 1.5 + 0.3)
net.eval()
x, y = torch.randn(64, 6), torch.randint(0, 4, (64,))
program = torch.export.export(net, (x[:3],), dynamic_shapes=({0: torch.export.Dim("batch")},))
torch.export.save(program, "net.pt2")
np.savez("data.npz", x=x.numpy(), y=y.numpy().astype(np.float32))
net, x = net.double(), x.double()
print("frozen", nn.functional.cross_entropy(net(x), y).item())
net.train()
print("batch", nn.functional.cross_entropy(copy.deepcopy(net)(x), y).item())
torch.optim.swa_utils.update_bn([x], net)
print("reestimate", nn.functional.cross_entropy(net.eval()(x), y).item())
