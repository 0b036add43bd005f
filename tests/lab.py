"""JupyterLab as a data scientist uses it in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.browser import steadily

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

# What the notebook itself shows is idle before there is a kernel.
IDLE = r"#jp-main-statusbar >> text=/\| Idle$/"
NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook"
ERROR = '[data-mime-type="application/vnd.jupyter.error"]'
START_MILLISECONDS = 60_000


@dataclass(frozen=True)
class Lab:
    """JupyterLab in a page, on the server of the person who has signed in there."""

    page: Page
    server: str
    """The URL of the server."""

    def run(self, code: str) -> str:
        """Run code in a new notebook for Python, and return what it prints."""
        return steadily(lambda: self._run(code))

    def run_all(self, path: str, cells: int, milliseconds: float) -> list[str]:
        """Run a notebook below the home, and return what each of its cells of code prints."""
        return steadily(lambda: self._run_all(path, cells, milliseconds))

    def _run(self, code: str) -> str:
        self.page.goto(f"{self.server}/lab?reset")
        card = self.page.locator('.jp-LauncherCard[data-category="Notebook"]')
        card.filter(has_text="Python 3").first.click(timeout=START_MILLISECONDS)
        self._wait()
        self._cells.locator(".cm-content").click()
        # Not key by key, which would have the editor close brackets by itself.
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")
        return self._result(self._cells.first, START_MILLISECONDS)

    def _run_all(self, path: str, cells: int, milliseconds: float) -> list[str]:
        self.page.goto(f"{self.server}/lab/tree/{path}?reset")
        self._wait()
        self.page.click("#jp-MainMenu >> text=Run")
        self.page.click('.lm-Menu-item[data-command="runmenu:run-all"]')
        last = self._cells.nth(cells - 1)
        last.scroll_into_view_if_needed()
        self._result(last, milliseconds)
        return [self._result(self._cells.nth(number), milliseconds) for number in range(cells)]

    @property
    def _cells(self) -> Locator:
        return self.page.locator(f"{NOTEBOOK} .jp-CodeCell")

    def _wait(self) -> None:
        self.page.wait_for_selector(IDLE, timeout=START_MILLISECONDS)

    def _result(self, cell: Locator, milliseconds: float) -> str:
        """Wait until a cell has run, and demand that it did not fail."""
        # Before it has run its number is a star or not there.
        prompt = cell.locator(".jp-InputPrompt", has_text="]:")
        number = prompt.filter(has_not_text="*").filter(has_not_text="[ ]")
        # Out of sight it is there, but not seen.
        number.wait_for(state="attached", timeout=milliseconds)
        text = "\n".join(cell.locator(".jp-OutputArea-output").all_text_contents())
        assert cell.locator(ERROR).count() == 0, text
        return text
