"""What PyTorch makes of small networks in f64, step by step: `python training.py` writes the files beside it, and
`python ../../../import/tests/scrub.py *.pt2 *.onnx` takes folders out of them.

Networks are exported in evaluation mode; the samples come in their order, 22 in batches of 8, for three epochs.
"""

import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent
SAMPLES, BATCH, EPOCHS = 22, 8, 3
RULES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.02),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, weight_decay=0.02),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.02),
    "adam": lambda p: torch.optim.Adam(p, lr=0.02, weight_decay=0.02),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.02),
}


class Mlp(nn.Module):
    """Names as of the family `mlp:2-5-3:tanh`."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(2, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4, momentum=0.2)
        self.fc = nn.Linear(4, 6, bias=False)
        self.last = nn.BatchNorm1d(6, eps=1e-3)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = nn.functional.silu(self.norm(self.conv(x))).mean((2, 3))
        return self.head(torch.tanh(self.last(self.fc(x))))


class Dropout(nn.Module):
    """A linear function of what a dropout leaves of three groups of two."""

    def __init__(self, drop):
        super().__init__()
        self.drop, self.fc = drop, nn.Linear(6, 1, bias=False)

    def forward(self, x):
        return self.fc(self.drop(x.reshape(-1, 3, 2)).flatten(1))


def coarse(tensor):
    """Few significant bits, so that archives are small."""
    return (tensor * 64).round() / 64


def trained(net, rule, x, y):
    """Loss over all the data before and after, and of each step the loss of its batch and the norm of its gradient."""
    net.train()
    optimizer = RULES[rule](net.parameters())
    steps = []
    for _ in range(EPOCHS):
        for start in range(0, SAMPLES, BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x[start : start + BATCH]), y[start : start + BATCH])
            loss.backward()
            norm = sum(p.grad.square().sum() for p in net.parameters()).sqrt()
            optimizer.step()
            steps.append((loss.item(), norm.item()))
    net.eval()
    return steps, nn.functional.cross_entropy(net(x), y).item()


def main():
    torch.manual_seed(5)
    kinds = {"dropout": nn.Dropout(0.4), "feature": nn.Dropout1d(0.4), "alpha": nn.AlphaDropout(0.4)}
    for name, drop in kinds.items():
        net = Dropout(drop).eval()
        net.fc.weight.data = torch.tensor([[0.5, -1.0, 0.25, 1.0, 0.75, -0.5]])
        batch = torch.export.Dim("batch")
        program = torch.export.export(net, (torch.randn(4, 6),), dynamic_shapes=({0: batch},))
        torch.export.save(program, HERE / f"{name}.pt2")
    x = torch.linspace(-1, 2, 300).reshape(50, 6)
    np.savez(HERE / "dropout.npz", x=x.numpy(), y=np.zeros((50, 1), np.float32))
    torch.manual_seed(5)
    truth = []
    for name, net, shape in [("mlp", Mlp(), (2,)), ("conv", Conv(), (1, 6, 6))]:
        for tensor in net.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(coarse(tensor))
        x = coarse(torch.randn(SAMPLES, *shape))
        y = torch.randint(0, 3, (SAMPLES,))
        np.savez(HERE / f"{name}.npz", x=x.numpy(), y=y.numpy())
        net.eval()
        batch = torch.export.Dim("batch")
        program = torch.export.export(net, (x[:4],), dynamic_shapes=({0: batch},))
        torch.export.save(program, HERE / f"{name}.pt2")
        start = {key: value.clone() for key, value in net.state_dict().items()}
        save_file(start, HERE / f"{name}.safetensors")
        if name == "conv":
            torch.onnx.export(
                net, (x[:4],), HERE / f"{name}.onnx", dynamo=True, optimize=False, external_data=False,
                dynamic_shapes=({0: batch},),
            )
        for rule in RULES:
            net.load_state_dict(start)
            net.double()
            steps, loss = trained(net, rule, x.double(), y)
            end = {key: value.float() for key, value in net.state_dict().items() if value.is_floating_point()}
            save_file(end, HERE / f"{name}-{rule}.safetensors")
            truth += [f"{name} {rule} {step} {loss!r} {norm!r}" for step, (loss, norm) in enumerate(steps, 1)]
            truth.append(f"{name} {rule} end {loss!r}")
            net.float()
    (HERE / "truth.txt").write_text("\n".join(truth) + "\n")


main()
