"""Makes versions/vN.duckdb.gz, a database of each earlier schema version, as the program of that version stored it.

    pip install "duckdb>=1.4,<1.6"
    python crates/storage/tests/reference/versions.py

The tables are those of crates/storage/src/schema/v1.sql to vN.sql. The rows follow the writers of that version: words,
keys of JSON in order, coordinates of points, blobs of little-endian f32, and what a version stored elsewhere than the
newest one (eigenvectors and control points among the tensors, curves as trainings up to version 4).
"""

import gzip
import hashlib
import json
import pathlib
import struct
import tempfile

import duckdb

HERE = pathlib.Path(__file__).parent
SCHEMA = HERE.parent.parent / "src" / "schema"
CREATED = "TIMESTAMP '2026-03-01 12:00:00.123456'"


def canonical(settings):
    return json.dumps(settings, sort_keys=True, separators=(",", ":"))


def run(db, number, name, kind, settings, provenance, status):
    text = canonical(settings)
    finished = "TIMESTAMP '2026-03-01 12:00:01'" if status == "complete" else "NULL"
    assert db.execute("SELECT nextval('run_numbers')").fetchone() == (number,)
    db.execute(
        f"INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, {CREATED}, {finished}, ?, NULL)",
        [number, name, kind, hashlib.sha256(text.encode()).hexdigest(), text, canonical(provenance), status],
    )


def tensor(db, number, part, step, name, role, values):
    db.execute(
        "INSERT INTO tensors VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [number, part, step, 0, name, role, f"[{len(values)}]", struct.pack(f"<{len(values)}f", *values)],
    )


def surface(db, version):
    provenance = {"command": "landscape surface", "device": "flex", "version": "0.1.0"}
    if version >= 5:
        # Sessions are told since then.
        sessions = [{**provenance, "points": 12}, {**provenance, "device": "cpu", "points": 8}]
        provenance = {**provenance, "device": "flex, cpu", "sessions": sessions}
    run(db, 1, "surface-1", "surface", {"model": "mlp:2-8-4-1", "seed": 1}, provenance, "interrupted")
    db.execute("INSERT INTO axes VALUES (1, 1, 'alpha', -1, 1, 7), (1, 2, 'beta', -0.5, 0.7, 4)")
    db.execute("INSERT INTO terms VALUES (1, 1, 'l2', 0.1)")
    known = [(i, j) for i in range(5) for j in range(4)]
    extra = ", false" if version >= 2 else ""
    for i, j in known:
        alpha, beta = -1 + 2 * i / 6, -0.5 + 1.2 * j / 3
        loss = "'NaN'::DOUBLE" if (i, j) == (4, 3) else f"{i * i + j / 2}"
        db.execute(
            f"INSERT INTO points VALUES (1, {i}, {j}, 0, {alpha!r}, {beta!r}, NULL, {loss}, 0.25, NULL, [{i + j}.0]{extra})"
        )
    db.execute(
        """INSERT INTO directions VALUES
           (1, 1, '{"random":{"seed":42,"stream":0,"distribution":"gaussian"}}', 42, 'filter', 'zero', 5.0, [1.0])"""
    )
    tensor(db, 1, "origin", None, "w", "weight", [1.0, 2.0])
    tensor(db, 1, "d1", None, "w", "weight", [3.0, 4.0])
    db.execute("INSERT INTO trajectories VALUES (1, 'train-1', 'lstsq', [0.75, 0.25])")
    db.execute("INSERT INTO trajectory_points VALUES (1, 'train-1', 0, 0, 0.5, -0.5, 0, 0.125, 1, NULL)")


def frame(values):
    """A key frame of the coding f32: planes of bytes, each with its length."""
    words = struct.pack(f"<{len(values)}f", *values)
    planes = [words[k::4] for k in range(4)]
    return b"".join(struct.pack("<I", len(plane)) + plane for plane in planes)


def training(db, version):
    run(db, 2, "train-1", "train", {"lr": 0.1, "model": "mlp:1-1"}, {"device": "flex", "version": "0.1.0"}, "complete")
    extra = ", 2.5, 0.125" if version >= 4 else ""
    for step in range(3):
        db.execute(f"INSERT INTO records VALUES (2, {step}, {step / 2}, {1 / (step + 1)}, 0.5, NULL, 0.1{extra})")
        weights = [step + 0.5, -step - 0.25]
        if version >= 4 and step == 2:
            db.execute("INSERT INTO layouts VALUES (2, 0, 'w', 'weight', '[2]')")
            data = frame(weights)
            db.execute("INSERT INTO deltas VALUES (2, 2, NULL, 'f32', ?, ?)", [len(data), data])
        else:
            tensor(db, 2, "checkpoint", step, "w", "weight", weights)


def curve(db, version):
    settings = {"curve": {"bends": 1, "kind": "bezier"}, "model": "mlp:1-1"}
    kind, name = ("curve", "curve-1") if version >= 5 else ("train", "train-2")
    run(db, 3, name, kind, settings, {"device": "flex", "version": "0.1.0"}, "complete")
    extra = ", NULL, NULL" if version >= 4 else ""
    for point in range(3):
        db.execute(f"INSERT INTO records VALUES (3, {point}, 0, 0.5, NULL, NULL, NULL{extra})")
        tensor(db, 3, "checkpoint", point, "w", "weight", [float(point), 1.0])


def curvature(db, version):
    run(db, 4, "hessian-1", "hessian", {"seed": 9}, {"device": "flex", "version": "0.1.0"}, "complete")
    db.execute("INSERT INTO curvature VALUES (4, NULL, 2, 0.5, 0.25, 20.0, 40, 1.5)")
    # Not in the order of their ranks: the order of the rows is the order of the results.
    db.execute(
        """INSERT INTO eigenvalues VALUES (4, NULL, 'all', 'top', 1, 3.0, 1e-6, true, 'lanczos'),
           (4, NULL, 'all', 'top', 0, 4.0, 1e-7, true, 'lanczos'), (4, NULL, 'all', 'bottom', 0, -1.0, 1e-6, false, 'lanczos')"""
    )
    db.execute("INSERT INTO traces VALUES (4, NULL, 'all', 'hutchinson', 6.0, 0.5, 8, 8)")
    more = ", 1, 0.95" if version >= 5 else ""
    db.execute(f"INSERT INTO spectra VALUES (4, NULL, 'all', 10, 4, 0.1{more})")
    more = ", 0.0, 1.0" if version >= 5 else ""
    db.execute(f"INSERT INTO spectrum_points VALUES (4, NULL, 'all', 0, -1.0, 0.5, 0.1{more}), (4, NULL, 'all', 1, 1.0, 0.5, NULL{more})")
    db.execute("""INSERT INTO sharpness VALUES (4, NULL, 'sam', 0.75, NULL, '{"radius":0.05}')""")
    for rank, vector in enumerate([[1.0, 0.0], [0.0, 1.0]]):
        tensor(db, 4, "top-eigenvector", rank, "w", "weight", vector)
    db.execute("INSERT INTO axes VALUES (4, 1, 'alpha', -1, 1, 3)")
    db.execute("INSERT INTO curvature_points VALUES (4, 1, 0, 0, 0, NULL, NULL, 4, -1, 1e-6, 1e-6, true)")


def make(version):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "landscape.duckdb"
        with duckdb.connect(str(path)) as db:
            db.execute("BEGIN")
            for number in range(1, version + 1):
                db.execute((SCHEMA / f"v{number}.sql").read_text())
            db.execute(
                """INSERT INTO meta VALUES ('created_by', 'landscape-storage 0.1.0'),
                   ('created', '2026-03-01T12:00:00Z'), ('schema_version', ?)""",
                [str(version)],
            )
            surface(db, version)
            training(db, version)
            curve(db, version)
            if version >= 3:
                curvature(db, version)
            db.execute("COMMIT")
            db.execute("CHECKPOINT")
        (HERE / "versions" / f"v{version}.duckdb.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


for version in range(1, 6):
    make(version)
