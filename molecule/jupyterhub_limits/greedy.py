#!/usr/bin/python3
"""Stands for somebody's server: takes what it can get, and writes down what it got."""

import json
import pathlib
import subprocess
import sys
import threading
import time

TOO_MANY_MIB = 1024
TOO_MANY = 1000


def take_memory() -> int:
    """Take more memory than there is, in a process of its own as a kernel is; how that ended."""
    greedy = [sys.executable, "-c", f"bytearray({TOO_MANY_MIB} << 20)"]
    return subprocess.run(greedy, check=False).returncode  # noqa: S603 - it is this


def take_threads() -> int:
    """Start as many threads as there may be; how many were started."""
    end = threading.Event()
    started = []
    try:
        for _ in range(TOO_MANY):
            thread = threading.Thread(target=end.wait)
            thread.start()
            started.append(thread)
    except RuntimeError:
        pass
    end.set()
    for thread in started:
        thread.join()
    return len(started)


result = {"memory": take_memory(), "threads": take_threads()}
pathlib.Path.home().joinpath("result.json").write_text(json.dumps(result))
# The server goes on, whatever became of its kernels.
time.sleep(600)
