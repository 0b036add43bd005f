"""The processes of an emulator that is gone, or that nobody has a record of."""

from local_cloud import processes
from local_cloud.settings import MARKER_VARIABLE, Settings

TIMEOUT_SECONDS = 10.0


def find(settings: Settings) -> list[processes.Process]:
    """Return every process that an emulator of this state directory started, itself included."""
    # The mark is inherited by the functions' workers, which outlive a killed emulator.
    return processes.with_variable(MARKER_VARIABLE, str(settings.state_dir))


def end(settings: Settings) -> list[str]:
    """End them, and say so in a note for each."""
    ended = processes.end_all_with_variable(
        MARKER_VARIABLE, str(settings.state_dir), TIMEOUT_SECONDS
    )
    return [f"ended process {process.pid}, which the emulator had left behind" for process in ended]
