"""Run bandit, and show what nobody has explained.

Ruff has most of bandit's rules, as S603 and its likes, so a noqa that explains one to ruff explains
it to bandit, too. What only bandit finds is explained by a nosec.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

OPTIONS = ["--configfile", "pyproject.toml", "--quiet", "--format", "json", "--recursive"]


def explained(finding: dict[str, Any], lines: list[str]) -> bool:
    """Tell whether a line of what was found has a noqa of the same number."""
    noqa = re.compile(rf"# noqa: [^#]*\bS{finding['test_id'][1:]}\b")
    return any(noqa.search(lines[number - 1]) for number in finding["line_range"])


def main() -> None:
    """Check the folders that the command line names; end with 1 if something is left."""
    command = [sys.executable, "-m", "bandit", *OPTIONS, *sys.argv[1:]]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - no shell
    report = json.loads(done.stdout)
    left = [
        finding
        for finding in report["results"]
        if not explained(finding, Path(finding["filename"]).read_text().splitlines())
    ]
    for finding in left:
        place = f"{finding['filename']}:{finding['line_number']}"
        print(f"{place}: {finding['test_id']} {finding['issue_text']}")
    for error in report["errors"]:
        print(f"{error['filename']}: {error['reason']}")
    sys.exit(1 if left or report["errors"] or not report["metrics"] else 0)


if __name__ == "__main__":
    main()
