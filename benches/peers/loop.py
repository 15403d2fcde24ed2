"""The plane as a plain PyTorch loop, in its fast form.

Data and directions are in memory before the clock starts; parameters are views of one vector that
is updated in place, one fused multiply-add a point; no gradient or version is kept
(`inference_mode`).
"""

import torch

from problem import load_problem, mean_loss
from workloads import arguments, clock, own_peak_kib, report


def flat(tensors):
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


def share(model, vector):
    """Makes the parameters of `model` views of `vector`."""
    start = 0
    for parameter in model.parameters():
        end = start + parameter.numel()
        parameter.data = vector[start:end].view_as(parameter)
        start = end


def plane(problem, kind):
    model, x, y, axis = problem.model, problem.x, problem.y, problem.axis.tolist()
    # In the order of `model.parameters()`.
    names = [name for name, _ in model.named_parameters()]
    theta, d1, d2 = (
        flat({name: tensors[name] for name in names})
        for tensors in (problem.theta, *problem.directions)
    )
    row, point = theta.clone(), theta.clone()
    share(model, point)

    @torch.inference_mode()
    def work():
        losses = []
        for alpha in axis:
            torch.add(theta, d1, alpha=alpha, out=row)
            for beta in axis:
                torch.add(row, d2, alpha=beta, out=point)
                losses.append(mean_loss(kind, model(x), y))
        return torch.stack(losses).view(len(axis), len(axis))

    return work


def main():
    args = arguments(__doc__).parse_args()
    problem = load_problem(args)
    losses, seconds = clock(plane(problem, problem.workload.loss), args.repeats)
    report(args, "loop", losses, seconds, own_peak_kib(), torch=torch.__version__)


if __name__ == "__main__":
    main()
