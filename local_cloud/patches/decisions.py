"""What policies decided about requests, in a file: which rights were really used."""

import json
import os
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from local_cloud.patches.known import known
from local_cloud.settings import DECISIONS_VARIABLE


def patch(evaluator: ModuleType) -> None:
    """Write a line of JSON for each request that policies decide about.

    Requests of the account's root user are not among them.

    Args:
        evaluator: the emulator's module ``ministack.core.iam_evaluator``.

    Raises:
        LocalCloudError: what would be extended is not what is known.
    """
    evaluate = known(evaluator, "evaluate", ["ctx", "policies", "limits"])
    if DECISIONS_VARIABLE not in os.environ:
        return
    file = Path(os.environ[DECISIONS_VARIABLE])

    def evaluate_and_write(ctx: Any, policies: Any, *limits: Any) -> Any:
        result = evaluate(ctx, policies, *limits)
        line = {
            "time": time.time(),
            "principal": ctx.principal_arn,
            "action": ctx.action,
            "resource": ctx.resource_arn,
            "decision": result.decision,
        }
        # In one piece, since requests are answered by more than one thread.
        with file.open("a") as lines:
            lines.write(json.dumps(line) + "\n")
        return result

    evaluator.evaluate = evaluate_and_write  # type: ignore[attr-defined]
