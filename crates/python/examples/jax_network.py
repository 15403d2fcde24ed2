"""The landscape of a network in JAX: any function of its parameters, at many points at once.

    pip install jax
    python jax_network.py
"""

import jax
import jax.numpy as jnp
import loss_landscape


def main(grid: int = 21) -> loss_landscape.Surface:
    keys = jax.random.split(jax.random.PRNGKey(0), 4)
    x = jax.random.normal(keys[0], (200, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(jnp.int32)
    params = {
        "first": {"w": jax.random.normal(keys[1], (2, 16)), "b": jnp.zeros(16)},
        "last": {"w": 0.3 * jax.random.normal(keys[2], (16, 2)), "b": jnp.zeros(2)},
    }

    def one(params):
        hidden = jnp.tanh(x @ params["first"]["w"] + params["first"]["b"])
        logs = jax.nn.log_softmax(hidden @ params["last"]["w"] + params["last"]["b"])
        return -jnp.take_along_axis(logs, y[:, None], 1)[:, 0]  # a loss for each sample

    # Every array of the parameters has one more axis in front: the points.
    losses = jax.jit(jax.vmap(one))
    return loss_landscape.surface(losses, params=params, grid=grid, vectorized=64, key="a small network, seed 0", name="jax")


if __name__ == "__main__":
    surface = main()
    print(surface, surface.how)
    surface.save("jax.svg", log=True)
