"""The plane as a plain PyTorch loop, in its fast form.

Data and directions are in memory before the clock starts; parameters are views of one vector that
is updated in place, one fused multiply-add a point; no gradient or version is kept
(`inference_mode`). With `--channels-last`, images and the weights of convolutions lie in that order.
"""

import torch

from problem import load_problem, mean_loss
from workloads import arguments, clock, own_peak_kib, parsed, report


def last(tensor):
    """The axes in the order in which channels-last tensors lie in memory."""
    return tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor


def first(tensor):
    """The axes as they are counted."""
    return tensor.permute(0, 3, 1, 2) if tensor.dim() == 4 else tensor


def same(tensor):
    return tensor


def flat(tensors, order):
    return torch.cat([order(tensor).flatten() for tensor in tensors.values()])


def share(model, vector, order, back):
    """Makes the parameters of `model` views of `vector`."""
    start = 0
    for parameter in model.parameters():
        end = start + parameter.numel()
        parameter.data = back(vector[start:end].view(order(parameter).shape))
        start = end


def plane(problem, channels_last):
    model, axis, workload = problem.model, problem.axis.tolist(), problem.workload
    order, back = (last, first) if channels_last else (same, same)
    # In the order of `model.parameters()`.
    theta, d1, d2 = (flat(tensors, order) for tensors in (problem.theta, *problem.directions))
    row, point = theta.clone(), theta.clone()
    share(model, point, order, back)
    n = len(problem.y)
    batch = workload.batch or n
    x = back(order(problem.x).contiguous())
    batches = [(part, y, len(y) / n) for part, y in zip(x.split(batch), problem.y.split(batch))]

    def loss():
        return sum(share * mean_loss(workload.loss, model(x), y) for x, y, share in batches)

    @torch.inference_mode()
    def work():
        losses = []
        for alpha in axis:
            torch.add(theta, d1, alpha=alpha, out=row)
            for beta in axis:
                torch.add(row, d2, alpha=beta, out=point)
                losses.append(loss())
        return torch.stack(losses).view(len(axis), len(axis))

    return work


def main():
    parser = arguments(__doc__)
    parser.add_argument("--channels-last", action="store_true", help="torch.channels_last")
    args = parsed(parser)
    problem = load_problem(args)
    losses, seconds = clock(plane(problem, args.channels_last), args.repeats)
    method = "channels-last" if args.channels_last else "loop"
    report(args, method, losses, seconds, own_peak_kib(), torch=torch.__version__)


if __name__ == "__main__":
    main()
