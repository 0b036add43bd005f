"""Generate the Python code of the wire messages from messages.proto.

Run it after a change of messages.proto, in an environment with grpcio-tools:

    python scripts/generate_wire.py
"""

import argparse
import sys
from pathlib import Path

from grpc_tools import protoc

SOURCES = Path(__file__).resolve().parents[1] / "src"
# The path from the package's parent is the file's name in protobuf's process-wide pool, where a
# bare "messages.proto" could meet another package's.
PROTO = "artificien_pygrid/wire/messages.proto"


def main() -> int:
    """Write messages_pb2.py and messages_pb2.pyi; return the compiler's exit status."""
    parser = argparse.ArgumentParser(description="Generate the code of the wire messages.")
    parser.add_argument("--out", type=Path, default=SOURCES, help="directory (default: src)")
    out = parser.parse_args().out
    return int(
        protoc.main(["protoc", f"-I{SOURCES}", f"--python_out={out}", f"--pyi_out={out}", PROTO])
    )


if __name__ == "__main__":
    sys.exit(main())
