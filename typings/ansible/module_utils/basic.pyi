from typing import Any, NoReturn

class AnsibleModule:
    params: dict[str, Any]
    check_mode: bool
    def __init__(
        self,
        *,
        argument_spec: dict[str, Any],
        supports_check_mode: bool = ...,
        required_if: list[Any] = ...,
    ) -> None: ...
    def exit_json(self, **result: Any) -> NoReturn: ...
    def fail_json(self, msg: str, **result: Any) -> NoReturn: ...
    def run_command(self, args: list[str]) -> tuple[int, str, str]: ...
