"""Reads what the tests of h5.rs and vtk.rs wrote under written/ with h5py and VTK's own readers.

    pip install h5py vtk numpy
    python check_h5_vtk.py [LANDSCAPE]

With the path of the `landscape` program it also trains a small network, exports its plane in every
way, compares the numbers with those of its csv, and samples the plane of directions that h5py wrote.
"""

import csv
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import vtk
from vtk.util.numpy_support import vtk_to_numpy

WRITTEN = Path(__file__).parent / "written"
AXES = [np.linspace(-1, 1, 4), np.linspace(0, 0.5, 3), np.linspace(2, 3, 2)]
READERS = {
    "vtp": vtk.vtkXMLPolyDataReader,
    "vti": vtk.vtkXMLImageDataReader,
    "vtk": vtk.vtkGenericDataObjectReader,
}


def same(a, b):
    np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def close(a, b):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-15, atol=1e-15)


def expected(dims):
    """Points of the tests' landscape, the first axis fastest: coordinates, n, loss."""
    counts = [4, 3, 2][:dims]
    points = [tuple(reversed(index)) for index in np.ndindex(*reversed(counts))]
    n = np.array([sum(w * i for w, i in zip((1, 2, 3), p)) for p in points])
    loss = 10.0 ** (n % 4)
    coordinates = [[AXES[axis][i] for axis, i in enumerate(p)] for p in points]
    return points, np.array(coordinates), n, loss


def holes(dims, points):
    """Places of the point that is not known, of the NaN, and of the interpolated one."""
    last = tuple([3, 2, 1][:dims])
    return points.index((0,) * dims), points.index(last), points.index((3,) + (0,) * (dims - 1))


def check_h5():
    for name, dims in (("line.h5", 1), ("plane.h5", 2)):
        with h5py.File(WRITTEN / name) as f:
            points, _, n, loss = expected(dims)
            shape = (4,) if dims == 1 else (3, 4)
            accuracy, source = (n % 9) / 8, np.ones(len(n))
            if dims == 2:
                missing, nan, interpolated = holes(dims, points)
                loss[nan], loss[missing], source[missing], source[interpolated] = math.nan, -1, 0, 2
                same(f["source"][:].ravel(), source)
                same(f["ycoordinates"], AXES[1])
            close(f["xcoordinates"], AXES[0])
            assert f["train_loss"].shape == f["train_acc"].shape == shape
            same(f["train_loss"][:].ravel(), loss)
            known = source > 0
            same(f["accuracy"][:].ravel()[known], accuracy[known])
            same(f["train_acc"][:].ravel(), np.where(known, 100 * accuracy, -1))
            same(f["term_a <term>"][:].ravel()[known], -n[known])
            same(f["weights"], [0.5])
            assert f["dir_file"][()] == b""
    for name, count in (("weights.h5", 4), ("states.h5", 7)):
        with h5py.File(WRITTEN / name) as f:
            for group, factor in (("xdirection", 1), ("ydirection", -0.5)):
                # As h5_util.read_list does.
                tensors = [f[group][str(i)] for i in range(len(f[group]))]
                assert len(tensors) == count and tensors[0].shape == (2, 1, 3, 3)
                floats = [t[()].ravel() for t in tensors if t.dtype == np.float32]
                flat = np.concatenate(floats)
                same(flat, factor * np.arange(1, len(flat) + 1))
                assert all(t.shape == () and t[()] == 0 for t in tensors if t.dtype == np.int64)
            same(f["explained_variance_ratio_"], [0.75, 0.125])
    with h5py.File(WRITTEN / "trajectory.h5") as f:
        same(f["proj_xcoord"], [0, 1, 2, 3])
        same(f["proj_ycoord"], [0, -0.5, -1, -1.5])
        same(f["step"], [0, 10, 20, 30])
    print("h5py", h5py.__version__, "HDF5", h5py.version.hdf5_version, "reads the .h5 files")


def read_vtk(path):
    """The data of a file; an error of the reader ends the program."""
    reader = READERS[path.suffix[1:]]()
    reader.SetFileName(str(path))
    errors = []
    for event in ("ErrorEvent", "WarningEvent"):
        reader.AddObserver(event, lambda _, what: errors.append(what))
    if isinstance(reader, vtk.vtkGenericDataObjectReader):
        reader.ReadAllScalarsOn()
        reader.ReadAllFieldsOn()
    reader.Update()
    assert not errors and reader.GetErrorCode() == 0, (path, errors)
    return reader.GetOutput()


def column(data, name):
    array = data.GetPointData().GetArray(name)
    assert array is not None, name
    return vtk_to_numpy(array)


def cells(array):
    ids, found = vtk.vtkIdList(), []
    array.InitTraversal()
    while array.GetNextCell(ids):
        found.append([ids.GetId(i) for i in range(ids.GetNumberOfIds())])
    return found


def check_vtk():
    names = ["line.vtp", "line.vtk", "plane.vtp", "plane.vtk", "volume.vti", "volume.vtk"]
    for name in names:
        data = read_vtk(WRITTEN / name)
        dims = 1 + ["line", "plane", "volume"].index(name.split(".")[0])
        points, coordinates, n, loss = expected(dims)
        known = np.ones(len(n), bool)
        heights = loss.copy()
        if dims > 1:
            missing, nan, interpolated = holes(dims, points)
            loss[[missing, nan]] = math.nan
            known[missing] = False
            heights[[missing, nan]] = 1
            same(column(data, "measured"), [i not in (missing, interpolated) for i in range(len(n))])
        assert data.GetPointData().GetScalars().GetName() == "loss"
        same(column(data, "loss"), loss)
        close(column(data, "log10_loss"), np.log10(loss))
        same(column(data, "accuracy")[known], (n % 9)[known] / 8)
        same(column(data, "a <term>")[known], -n[known])
        if dims == 3:
            assert data.GetDimensions() == (4, 3, 2)
            xyz = np.array([data.GetPoint(i) for i in range(len(n))])
            close(xyz, coordinates)
            continue
        xyz = vtk_to_numpy(data.GetPoints().GetData())
        close(xyz[:, :dims], coordinates)
        same(xyz[:, 2], heights)
        if dims == 1:
            assert cells(data.GetLines()) == [[0, 1, 2, 3]]
        else:
            quads = cells(data.GetPolys())
            assert len(quads) == 4 and not {0, 11} & set(sum(quads, []))
            normals = vtk.vtkPolyDataNormals()
            normals.SetInputData(data)
            normals.SplittingOff()
            normals.ConsistencyOff()
            normals.Update()
            up = vtk_to_numpy(normals.GetOutput().GetPointData().GetNormals())
            assert (up[sorted(set(sum(quads, []))), 2] > 0).all()
    for name in ("path.vtp", "path.vtk"):
        data = read_vtk(WRITTEN / name)
        assert cells(data.GetLines()) == [[0, 1, 2, 3]]
        xyz = vtk_to_numpy(data.GetPoints().GetData())
        same(xyz, [[0, 0, 4], [1, -0.5, 3.5], [2, -1, 2.5], [3, -1.5, 1.5]])
        same(column(data, "step"), [0, 10, 20, 30])
        same(column(data, "loss"), [4, 3, 2, 1])
    print("VTK", vtk.vtkVersion.GetVTKVersion(), "reads the .vtp, .vti and .vtk files")


def check_program(program):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)

        def run(*words):
            done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return done.stdout

        run(*"train --model mlp:2-8-4-1 --data moons --epochs 20 --every 2 --name moons".split())
        run(*"surface --run moons --grid 7x5 --range=-1:1,-0.5:1.5 --name plane".split())
        run(*"volume --run moons --grid 4 --name cube".split())
        run(*"trajectory --run moons --grid 9 --name path".split())
        table = {run: list(csv.DictReader(run_csv.splitlines()))
                 for run, run_csv in ((name, run("export", name)) for name in ("plane", "cube"))}
        plane = sorted(table["plane"], key=lambda row: (int(row["j"]), int(row["i"])))
        loss = np.array([float(row["loss"]) for row in plane])

        run("export", "plane", "-o", "plane.h5")
        run("export", "plane", "--directions", "-o", "directions.h5")
        run("export", "path", "--trajectory", "-o", "path.h5")
        with h5py.File(folder / "plane.h5") as f:
            same(f["train_loss"][:].ravel(), loss)
            close(f["train_acc"][:].ravel() / 100, [float(row["accuracy"]) for row in plane])
        with h5py.File(folder / "path.h5") as f:
            assert len(f["proj_xcoord"]) == len(f["step"]) > 5
        for name, height in (("plane.vtp", "loss"), ("plane.vtk", "loss"), ("log.vtp", "log")):
            run("export", "plane", "--height", height, "-o", name)
            data = read_vtk(folder / name)
            same(column(data, "loss"), loss)
            xyz = vtk_to_numpy(data.GetPoints().GetData())
            close(xyz[:, 2], loss if height == "loss" else np.log10(loss))
            close(xyz[:, 0], [float(row["alpha"]) for row in plane])
            assert data.GetNumberOfPolys() == 24
        run("export", "cube", "-o", "cube.vti")
        cube = sorted(table["cube"], key=lambda row: [int(row[axis]) for axis in "kji"])
        same(column(read_vtk(folder / "cube.vti"), "loss"), [float(row["loss"]) for row in cube])
        run("export", "path", "--trajectory", "-o", "path.vtp")
        assert len(cells(read_vtk(folder / "path.vtp").GetLines())) == 1

        # The same directions, written again by h5py, give the same plane.
        with h5py.File(folder / "directions.h5") as ours, h5py.File(folder / "h5py.h5", "w") as f:
            for group in ("xdirection", "ydirection"):
                for i in range(len(ours[group])):
                    f.create_dataset(f"{group}/{i}", data=ours[group][str(i)][()])
        run(*"surface --run moons --grid 7x5 --range=-1:1,-0.5:1.5 --direction h5py.h5 --name again".split())
        assert run("export", "again") == run("export", "plane")
        run("import", "plane.h5", "--name", "back")
        assert run("export", "back") == run("export", "plane")
    print(program, "exports and reads the same numbers")


if __name__ == "__main__":
    check_h5()
    check_vtk()
    for program in sys.argv[1:]:
        check_program(str(Path(program).resolve()))
