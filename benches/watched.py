"""How much a run is slowed by a page that watches it: `landscape surface` alone, and beside `landscape view` with a client that
asks for what the page's script asks for, as often as it does. Runs take turns; both processes share the machine. Where other work
shares it too, the processor time of the server, as a share of that of the run, says more than the clock.

    cargo build --release && python benches/watched.py --rounds 5
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

RUN = ["--model", "resnet20:image=1x28x28,classes=10", "--data", "mnist-1k", "--grid", "51", "-q"]
# As the script of the page: the shortest time between two looks at the data, and how much longer than a look the pause is.
PAUSE, SHARE = 2.0, 20


class Page(threading.Thread):
    """A page that is open on a run, without a window."""

    def __init__(self, address: str, run: str):
        super().__init__(daemon=True)
        parts = urllib.parse.urlsplit(address)
        self.base, self.token = f"http://{parts.netloc}", parts.query
        self.run_key = urllib.parse.quote(f"0/{run}", safe="")
        self.name, self.looks, self.bytes, self.complete = run, 0, 0, threading.Event()

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.base}{path}&{self.token}") as reply:
            return reply.read()

    def run(self) -> None:
        known, last = -1, 0.0
        with urllib.request.urlopen(f"{self.base}/events?run={self.run_key}&{self.token}") as events:
            for line in events:
                if not line.startswith(b"data: "):
                    continue
                told = json.loads(line[len(b"data: "):])
                if told["rows"] and told["version"] > known and time.monotonic() >= last:
                    known, began = told["version"], time.monotonic()
                    self.bytes += len(self.get(f"/data?run={self.run_key}"))
                    self.looks += 1
                    took = time.monotonic() - began
                    last = time.monotonic() + max(PAUSE, SHARE * took)
                if told["rows"] and told["rows"][0]["state"] == "complete":
                    self.complete.set()
                    return


def ended(process: subprocess.Popen) -> float:
    """Processor time of a process, once it has ended."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime


def surface(arguments, database: Path, name: str) -> tuple[float, float]:
    """Seconds that a run takes, on the clock and of the processor."""
    kept = ["--db", str(database), "--name", name, "--seed", name.split("-")[-1]]
    command = [arguments.landscape, "surface", *RUN, "--samples", str(arguments.samples), *kept]
    began = time.perf_counter()
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    used = ended(run)
    if run.returncode != 0:
        raise SystemExit(f"{command} ended with {run.returncode}")
    return time.perf_counter() - began, used


def watched(arguments, database: Path, name: str) -> tuple[float, float, float, Page]:
    """The same beside a server, and the processor time of that."""
    view = [arguments.landscape, "view", str(database), "--no-open"]
    server = subprocess.Popen(view, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    page = Page(server.stdout.readline().strip(), name)
    page.start()
    seconds, used = surface(arguments, database, name)
    page.complete.wait(10)
    server.terminate()
    return seconds, used, ended(server), page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--landscape", default="target/release/landscape")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    alone, beside, shares = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "landscape.duckdb"
        surface(arguments, database, "warm-1000")
        for k in range(arguments.rounds):
            alone.append(surface(arguments, database, f"alone-{2 * k}")[0])
            seconds, used, served, page = watched(arguments, database, f"watched-{2 * k + 1}")
            beside.append(seconds)
            shares.append(served / used)
            looks = f"{page.looks} looks, {page.bytes / 1e6:.1f} MB, the server {served:.2f} s beside {used:.2f} s of the processor"
            print(f"alone {alone[-1]:.2f} s, watched {seconds:.2f} s ({looks})", flush=True)
    ratio = statistics.median(beside) / statistics.median(alone)
    clock = f"{statistics.median(alone):.2f} s and {statistics.median(beside):.2f} s: {100 * (ratio - 1):+.1f}%"
    print(f"medians {clock}; the server has {100 * statistics.median(shares):.1f}% of the run's processor time")


if __name__ == "__main__":
    main()
