"""The plane with `torch.func.vmap`: a chunk of points shares each operation."""

import torch
from torch.func import functional_call, vmap

from problem import load_problem, mean_loss
from workloads import arguments, clock, own_peak_kib, parsed, report


def plane(problem, chunk):
    model, x, y = problem.model, problem.x, problem.y
    (d1, d2), kind = problem.directions, problem.workload.loss
    axis = problem.axis.to(torch.float32)
    alphas, betas = (a.flatten() for a in torch.meshgrid(axis, axis, indexing="ij"))

    def loss_at(alpha, beta):
        theta = {
            name: value + alpha * d1[name] + beta * d2[name]
            for name, value in problem.theta.items()
        }
        return mean_loss(kind, functional_call(model, theta, (x,)), y)

    every = vmap(loss_at, chunk_size=chunk)

    @torch.no_grad()
    def work():
        return every(alphas, betas).view(len(axis), len(axis))

    return work


def main():
    parser = arguments(__doc__)
    parser.add_argument("--chunk", type=int, help="points at once; chosen by workload where absent")
    args = parsed(parser)
    problem = load_problem(args)
    chunk = args.chunk or problem.workload.chunk
    losses, seconds = clock(plane(problem, chunk), args.repeats)
    report(args, "vmap", losses, seconds, own_peak_kib(), chunk=chunk, torch=torch.__version__)


if __name__ == "__main__":
    main()
