"""Each test works in a folder of its own, and hears every warning of the package as an error unless it asks for it."""

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("LANDSCAPE_DB", "LANDSCAPE_DEVICE", "LANDSCAPE_THREADS", "LANDSCAPE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")
