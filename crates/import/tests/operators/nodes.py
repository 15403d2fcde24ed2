"""Writes ONNX's own tests of single operators, which the package `onnx` ships: a model, its inputs and outputs.

    python nodes.py nodes.zip nodes.txt      those that nodes.txt names: the archive beside this script
    python nodes.py all.zip                  all, and the models of PyTorch's older exporter beside them
"""

import pathlib
import sys
import zipfile

import numpy as np
import onnx
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests


def tensors(values, infos):
    """Encoded arrays; nothing where a value is no tensor."""
    encoded = []
    for value, info in zip(values, infos):
        if not isinstance(value, (np.ndarray, np.generic, onnx.TensorProto)):
            return None
        if not isinstance(value, onnx.TensorProto):
            value = onnx.numpy_helper.from_array(np.asarray(value), info.name)
        encoded.append(value.SerializeToString(deterministic=True))
    return encoded


def main():
    out = sys.argv[1]
    names = set(pathlib.Path(sys.argv[2]).read_text().split()) if len(sys.argv) > 2 else set()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        def add(file, data):
            archive.writestr(zipfile.ZipInfo(file), data, zipfile.ZIP_DEFLATED, 9)
        for case in collect_testcases(None):
            if names and case.name not in names or not case.data_sets:
                continue
            inputs = tensors(case.data_sets[0][0], case.model.graph.input)
            outputs = tensors(case.data_sets[0][1], case.model.graph.output)
            if inputs is None or outputs is None:
                continue
            add(f"{case.name}/model.onnx", case.model.SerializeToString(deterministic=True))
            for kind, all in (("input", inputs), ("output", outputs)):
                for i, data in enumerate(all):
                    add(f"{case.name}/{kind}_{i}.pb", data)
        for kind in () if names else ("pytorch-operator", "pytorch-converted", "simple"):
            for case in load_model_tests(kind=kind):
                folder = pathlib.Path(case.model_dir)
                add(f"{case.name}/model.onnx", (folder / "model.onnx").read_bytes())
                for file in (folder / "test_data_set_0").glob("*.pb"):
                    add(f"{case.name}/{file.name}", file.read_bytes())


if __name__ == "__main__":
    main()
