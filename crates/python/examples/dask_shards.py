"""A plane in shards on the workers of Dask, merged where the program runs.

    pip install "dask[distributed]"
    python dask_shards.py
"""

import loss_landscape
from dask.distributed import Client

SHARDS = 4


def compute(shard: int, folder: str) -> str:
    part = loss_landscape.surface(
        "mlp:2-16-1", "moons", grid=21, name="plane", shard=(shard, SHARDS), threads=1, db=f"{folder}/shard-{shard}.duckdb", progress=False
    )
    return part.db


def main(client: Client, folder: str = ".") -> loss_landscape.Surface:
    # Workers share the folder; on several machines it is one that all of them see.
    databases = client.gather(client.map(compute, range(SHARDS), folder=folder, pure=False))
    merged = loss_landscape.merge(databases, into=f"{folder}/landscape.duckdb")
    assert merged.is_complete, merged
    return loss_landscape.load("plane", f"{folder}/landscape.duckdb")


if __name__ == "__main__":
    import os

    with Client() as client:
        surface = main(client, os.getcwd())
    print(surface)
    surface.save("plane.svg", log=True)
