from typing import Any, NoReturn

class AnsibleAWSModule:
    params: dict[str, Any]
    check_mode: bool
    region: str | None
    def __init__(
        self,
        *,
        argument_spec: dict[str, Any],
        supports_check_mode: bool = ...,
        required_if: list[Any] = ...,
        required_one_of: list[Any] = ...,
        required_together: list[Any] = ...,
        mutually_exclusive: list[Any] = ...,
    ) -> None: ...
    def client(self, service: str, **extra_params: Any) -> Any: ...
    def warn(self, warning: str) -> None: ...
    def exit_json(self, **result: Any) -> NoReturn: ...
    def fail_json(self, msg: str, **result: Any) -> NoReturn: ...
