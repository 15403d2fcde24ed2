"""Writes instance-*.pt2, a network whose instance norm has running statistics, whole and taken apart, and instance.npz with its data;
prints the loss in f64 (torch 2.9).

python instance_norm.py && python ../scrub.py instance-*.pt2
"""

import numpy as np
import torch
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv2d(2, 3, 3), nn.Linear(3, 4)
        self.norm = nn.InstanceNorm2d(3, affine=True, track_running_stats=True)

    def forward(self, x):
        return self.out(torch.relu(self.norm(self.conv(x))).mean((2, 3)))


torch.manual_seed(0)
net = Network()
for _ in range(4):
    net(torch.randn(8, 2, 5, 5) * 1.5 + 0.3)
net.eval()
x, y = torch.randn(7, 2, 5, 5), torch.randint(0, 4, (7,))
fixed = torch.export.export(net, (x[:4],))
free = torch.export.export(net, (x[:4],), dynamic_shapes=({0: torch.export.Dim("batch")},))
torch.export.save(free, "instance-whole.pt2")
torch.export.save(free.run_decompositions(), "instance-apart.pt2")
torch.export.save(fixed.run_decompositions(), "instance-fixed.pt2")
np.savez("instance.npz", x=x.numpy(), y=y.numpy().astype(np.float32))
print(nn.functional.cross_entropy(net.double()(x.double()), y).item())
