"""Each test works in a folder of its own, and hears every warning of the package as an error unless it asks for it."""

import os
import signal
import threading

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("LANDSCAPE_DB", "LANDSCAPE_DEVICE", "LANDSCAPE_THREADS", "LANDSCAPE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def ctrl_c():
    """Sends this process, after some seconds, the signal of Ctrl-C, which is heard also where whoever began the tests lets it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda seconds: threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")
