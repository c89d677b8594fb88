"""Run the simulated AWS with the demo's world as a process: `python -m simulator --port-file FILE`."""

import argparse
import contextlib
import os
import signal
import threading
from pathlib import Path
from types import FrameType

from simulator.demo_world import build, live
from simulator.server import Simulator


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    options = _options()
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with _listening(options) as aws:
        build(aws)
        threading.Thread(target=live, args=(aws, ended), daemon=True).start()
        if options.port_file:
            _write(options.port_file, str(aws.port))
        print(f"simulated EC2 at {aws.url}", flush=True)
        ended.wait()


def _listening(options: argparse.Namespace) -> Simulator:
    """Take the port of the last time when none is asked for, so that a restart is found where it was."""
    file: Path | None = options.port_file
    if not options.port and file and file.exists() and (known := file.read_text().strip()).isdigit():
        with contextlib.suppress(OSError, OverflowError):  # somebody else has it now
            return Simulator(delay_s=options.delay, port=int(known))
    return Simulator(delay_s=options.delay, port=options.port)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes the port in the port file, or any free one")
    parser.add_argument("--port-file", type=Path, help="where to write the port once it listens")
    parser.add_argument("--delay", type=float, default=6.0, help="seconds a start or a stop takes")
    return parser.parse_args()


def _write(path: Path, text: str) -> None:
    """Write a file so that nobody reads half of it."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


if __name__ == "__main__":
    main()
