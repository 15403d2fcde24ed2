"""A plane in shards on the workers of Ray, merged where the program runs.

    pip install ray
    python ray_shards.py
"""

import loss_landscape
import ray

SHARDS = 4


@ray.remote
def compute(shard: int, folder: str) -> str:
    part = loss_landscape.surface(
        "mlp:2-16-1", "moons", grid=21, name="plane", shard=(shard, SHARDS), threads=1, db=f"{folder}/shard-{shard}.duckdb", progress=False
    )
    return part.db


def main(folder: str = ".") -> loss_landscape.Surface:
    # Workers share the folder; on several machines it is one that all of them see.
    databases = ray.get([compute.remote(shard, folder) for shard in range(SHARDS)])
    merged = loss_landscape.merge(databases, into=f"{folder}/landscape.duckdb")
    assert merged.is_complete, merged
    return loss_landscape.load("plane", f"{folder}/landscape.duckdb")


if __name__ == "__main__":
    import os

    ray.init()
    surface = main(os.getcwd())
    print(surface)
    surface.save("plane.svg", log=True)
