"""The evaluation of IAM policies: TLS, wildcards, and variables."""

import re
from dataclasses import replace
from types import ModuleType
from typing import Any

from local_cloud.patches.known import known

_VARIABLE = re.compile(r"\$\{([^{}*?$,]+)\}")


def patch(evaluator: ModuleType) -> None:
    """Mend the evaluation of IAM policies.

    Args:
        evaluator: the emulator's module ``ministack.core.iam_evaluator``, before anything else
            has imported it.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    _assume_tls(evaluator)
    _match_line_breaks(evaluator)
    _replace_variables(evaluator)


def _assume_tls(evaluator: ModuleType) -> None:
    # The condition key aws:SecureTransport is true for every request: the loopback interface stands
    # in for TLS, so that policies which refuse plain HTTP can be the same as on AWS.
    pin = known(evaluator, "pin_request_origin", ["source_ip", "secure_transport"])

    def pin_as_tls(source_ip: str, secure_transport: bool) -> None:  # noqa: ARG001 - theirs
        pin(source_ip, True)

    evaluator.pin_request_origin = pin_as_tls  # type: ignore[attr-defined]


def _match_line_breaks(evaluator: ModuleType) -> None:
    # A wildcard of a policy also covers line breaks, which keys of S3 objects may contain.
    compile_wildcards = known(evaluator, "_fnmatch_compile", ["pattern", "ignore_case"])

    def compile_with_line_breaks(pattern: str, ignore_case: bool) -> re.Pattern[str]:
        compiled: re.Pattern[str] = compile_wildcards(pattern, ignore_case)
        return re.compile(compiled.pattern, compiled.flags | re.DOTALL)

    evaluator._fnmatch_compile = compile_with_line_breaks  # type: ignore[attr-defined]


def _replace_variables(evaluator: ModuleType) -> None:
    # Such as ${aws:PrincipalTag/username}. A variable without a value stays as it is and matches
    # nothing, and so does one whose value holds a wildcard, which must not widen the policy.
    first_match = known(evaluator, "_first_match", ["ctx", "stmts", "effect"])
    condition_key = known(evaluator, "_resolve_condition_key", ["key", "ctx"])

    def first_match_with_values(ctx: Any, stmts: list[Any], effect: str) -> Any:
        def value(variable: re.Match[str]) -> str:
            found = condition_key(variable[1], ctx)
            usable = isinstance(found, str) and not {"*", "?"}.intersection(found)
            return str(found) if usable else variable[0]

        def replaced(part: Any) -> Any:
            if isinstance(part, str):
                return _VARIABLE.sub(value, part) if "${" in part else part
            if isinstance(part, list):
                return [replaced(each) for each in part]
            if isinstance(part, dict):
                return {key: replaced(each) for key, each in part.items()}
            return part

        statements = [
            replace(
                statement,
                resources=replaced(statement.resources),
                not_resources=replaced(statement.not_resources),
                conditions=replaced(statement.conditions),
            )
            for statement in stmts
        ]
        return first_match(ctx, statements, effect)

    evaluator._first_match = first_match_with_values  # type: ignore[attr-defined]
