"""Writes net.pt2, the perceptron that the README opens, and frozen.pt2, the same with a first layer that training leaves as it is
(torch 2.9): python net.py && python ../scrub.py net.pt2 frozen.pt2"""

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3)).eval()
x = torch.randn(4, 2)


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x)


program = torch.export.export(Named(), (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
torch.export.save(program, "net.pt2")
net[0].requires_grad_(False)
program = torch.export.export(Named(), (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
torch.export.save(program, "frozen.pt2")
