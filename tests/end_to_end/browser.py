"""A browser without a window, as a person uses it."""

import os
import shutil
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from stage import PATIENCE, directory_of, eventually


def installed():
    """The browser of this machine, or the one in CHROMIUM."""
    names = (
        [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else ["chromium", "chromium-browser", "google-chrome"]
    )
    return next(filter(None, map(shutil.which, names)), None)


class Browser:
    """Chromium, for one test class."""

    def __init__(self, case_class):
        program = installed()
        assert program, "Chromium is missing: install it (Debian: `apt-get install chromium`) or name one in CHROMIUM"
        playwright = sync_playwright().start()
        case_class.addClassCleanup(playwright.stop)
        self.chromium = playwright.chromium.launch(executable_path=program)
        case_class.addClassCleanup(self.chromium.close)

    def open(self, case, url):
        """A page for somebody who has not been anywhere, in a test that fails if anything of that host complains."""
        context = self.chromium.new_context()
        case.addCleanup(context.close)
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        parts, complaints = urlsplit(url), []

        def listen(message):
            if message.type == "error" and urlsplit(message.location["url"]).netloc == parts.netloc:
                complaints.append(message.text)

        page.on("console", listen)
        case.addCleanup(lambda: case.assertEqual(complaints, []))
        page.goto(url)
        return page


class Opener:
    """What is in BROWSER: a program that writes down which address it was to open."""

    def __init__(self, case):
        directory = directory_of(case)
        self.program, self.opened = directory / "browser", directory / "opened"
        self.program.write_text(
            f"#!/bin/sh\nprintf '%s' \"$1\" >'{self.opened}.new'\nmv '{self.opened}.new' '{self.opened}'\n"
        )
        self.program.chmod(0o755)

    def url(self, process):
        """The address that a running program has opened."""

        def look():
            assert process.poll() is None, f"it ended with {process.returncode}: {process.stderr.read()}"
            return self.opened.exists()

        eventually(look, "an address to open")
        return self.opened.read_text()
