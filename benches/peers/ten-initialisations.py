"""The ten-initialisations study by this project and the same ten trainings in a plain PyTorch loop.

    ten-initialisations.py train [--threads N]                       the PyTorch loop, alone
    ten-initialisations.py compare --example FILE --command FILE     both, in alternation

2-8-4-1 with ReLU, 200 points of two half moons with noise 0.2, batches of 32, SGD with rate 0.1, 100
epochs, ten seeds; after each epoch the loss over all the data and a copy of the parameters.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

STUDY = (
    "compare --seeds 0..10 --model mlp:2-8-4-1 --data moons:n=200,noise=0.2,seed=42 --epochs 100 "
    "--batch 32 --optimizer sgd --lr 0.1 --grid 30 --name ten --log -o ten.png -q"
)


def moons(torch, n=200, noise=0.2):
    """Scikit-learn's two half circles."""
    angle = torch.linspace(0, torch.pi, n // 2)
    outer = torch.stack([angle.cos(), angle.sin()], 1)
    inner = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    x = torch.cat([outer, inner])
    y = torch.cat([torch.zeros(n // 2), torch.ones(n // 2)]).unsqueeze(1)
    return x + noise * torch.randn(x.shape, generator=torch.Generator().manual_seed(42)), y


def one(torch, x, y, seed):
    torch.manual_seed(seed)
    layers = [torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 4), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(4, 1))
    loss = torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    path = []
    for _ in range(100):
        order = torch.randperm(len(x))
        for places in order.split(32):
            optimizer.zero_grad()
            loss(net(x[places]), y[places]).backward()
            optimizer.step()
        with torch.no_grad():
            copy = [p.detach().clone() for p in net.parameters()]
            path.append((loss(net(x), y).item(), copy))
    return path[-1][0]


def train(threads):
    import torch

    torch.set_num_threads(threads)
    x, y = moons(torch)
    one(torch, x, y, 99)  # not counted
    start, processor = time.perf_counter(), time.process_time()
    losses = [one(torch, x, y, seed) for seed in range(10)]
    result = {
        "seconds": time.perf_counter() - start,
        "processor": time.process_time() - processor,
        "loss": statistics.mean(losses),
    }
    print(json.dumps(result))


def timed(words, folder):
    """What a program prints, the time from start to exit, and the processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, {"seconds": seconds, "processor": processor}


def example(program):
    with tempfile.TemporaryDirectory() as folder:
        printed, times = timed([program, folder], folder)
    words = printed.split()
    times["loss"] = float(words[words.index("mean") + 1].rstrip(","))
    training = {"seconds": float(printed.split("of which training")[1].split()[0])}
    return times, {**training, "processor": float("nan"), "loss": times["loss"]}


def command(program):
    with tempfile.TemporaryDirectory() as folder:
        printed, times = timed([program, *STUDY.split(), "--json"], folder)
    times["loss"] = json.loads(printed)["statistics"]["mean"]
    return times


def peer(threads):
    words = [sys.executable, os.path.abspath(__file__), "train", "--threads", str(threads)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def compare(args):
    names = ["ours, training", "ours, example", "ours, command", "PyTorch, training"]
    rows = {name: [] for name in names}
    for round in range(args.rounds):
        print(f"round {round + 1} of {args.rounds}", file=sys.stderr)
        whole, training = example(args.example)
        rows["ours, training"].append(training)
        rows["ours, example"].append(whole)
        rows["ours, command"].append(command(args.command))
        rows["PyTorch, training"].append(peer(args.threads))

    def of(name, key, how=statistics.median):
        return how(row[key] for row in rows[name])

    print("| method | seconds | processor | mean final loss | PyTorch's training / this |")
    print("|---|---|---|---|---|")
    for name in names:
        ratios = [p["seconds"] / r["seconds"] for p, r in zip(rows["PyTorch, training"], rows[name])]
        processor = of(name, "processor")
        print(
            f"| {name} | {of(name, 'seconds'):.2f} ({of(name, 'seconds', min):.2f}) | "
            f"{'' if processor != processor else f'{processor:.2f}'} | {of(name, 'loss'):.3f} | "
            f"{statistics.median(ratios):.1f} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="what", required=True)
    alone = commands.add_parser("train")
    both = commands.add_parser("compare")
    for each in (alone, both):
        each.add_argument("--threads", type=int, default=2)
    both.add_argument("--rounds", type=int, default=5)
    both.add_argument("--example", required=True)
    both.add_argument("--command", required=True)
    args = parser.parse_args()
    train(args.threads) if args.what == "train" else compare(args)


if __name__ == "__main__":
    main()
