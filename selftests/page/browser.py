# SPDX-License-Identifier: GPL-2.0-only
"""A headless Chromium, driven through the pipe that it offers to debuggers.

Messages are JSON objects that end with a zero byte: commands go in through its file
descriptor 3, answers and events come out of 4.
"""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ["chromium-headless-shell", "chromium", "google-chrome"]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-extensions", "--disable-background-networking",
    "--force-device-scale-factor=1", "--hide-scrollbars", "--remote-debugging-pipe",
]
PATIENCE = 240  # seconds: on an emulated processor a start can take a minute


def find():
    """The path of a browser, or None."""
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    return None


class Failure(Exception):
    """The browser, or the page in it, has failed."""


class Browser:
    """One browser with one page; a context manager."""

    def __init__(self, width=1600, height=900, dark=False):
        self.size = (width, height)
        self.dark = dark
        self.number = 0
        self.session = None
        self.waiting = b""
        self.messages = []  # exceptions and errors of the page
        self.requests = []  # addresses that it asked for

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self.write_fd = os.pipe()
        self.read_fd, from_browser = os.pipe()
        command = [find(), *FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"]
        # The shell gives the pipes the numbers that the browser expects.
        script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(
            ["sh", "-c", script, "sh", *command], pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.attach()
        return self

    def __exit__(self, *what):
        os.close(self.write_fd)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read_fd)
        self.profile.cleanup()

    def attach(self):
        targets = self.command("Target.getTargets")["targetInfos"]
        page = next(t["targetId"] for t in targets if t["type"] == "page")
        self.session = self.command("Target.attachToTarget", targetId=page,
                                    flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(domain + ".enable")
        self.command("Emulation.setDeviceMetricsOverride", width=self.size[0],
                     height=self.size[1], deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if self.dark else "light"}])

    def command(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_fd, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") != self.number:
                self.note(answer)
                continue
            if "error" in answer:
                raise Failure(f"{method}: {answer['error']['message']}")
            return answer["result"]

    def receive(self):
        end = time.monotonic() + PATIENCE
        while b"\0" not in self.waiting:
            if not select.select([self.read_fd], [], [], max(0, end - time.monotonic()))[0]:
                raise Failure("the browser does not answer")
            data = os.read(self.read_fd, 1 << 20)
            if not data:
                raise Failure("the browser has ended")
            self.waiting += data
        message, self.waiting = self.waiting.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.messages.append(details.get("exception", {}).get("description",
                                                                  details["text"]))
        elif event.get("method") == "Log.entryAdded" and \
                parameters["entry"]["level"] in ("error", "warning"):
            self.messages.append(parameters["entry"]["text"])
        elif event.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    def open(self, path, address=""):
        """Open a file, and wait until it has been drawn."""
        self.messages.clear()
        self.requests.clear()
        self.command("Page.navigate", url="about:blank")
        self.command("Page.navigate", url="file://" + os.path.abspath(path) + address)
        self.until("document.readyState === 'complete' && location.protocol === 'file:' && "
                   "document.body.dataset.lanes !== undefined")

    def value(self, expression):
        """What an expression is worth in the page."""
        answer = self.command("Runtime.evaluate", expression=expression, returnByValue=True,
                              awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Failure(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def until(self, expression):
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.value(expression):
            if time.monotonic() > end:
                raise Failure(f"never came true: {expression}")
            time.sleep(0.02)

    def drawn(self):
        """Wait until what has been asked for is on the screen; what the page says it shows."""
        self.value("new Promise(done => requestAnimationFrame(() => "
                   "requestAnimationFrame(() => done(1))))")
        return self.value("({...document.body.dataset})")

    def mouse(self, kind, x, y, **more):
        self.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def move(self, x, y):
        self.mouse("mouseMoved", x, y)

    def wheel(self, x, y, by):
        self.mouse("mouseWheel", x, y, deltaX=0, deltaY=by)

    def drag(self, x1, y1, x2, y2):
        self.move(x1, y1)
        self.mouse("mousePressed", x1, y1, button="left", clickCount=1)
        self.mouse("mouseMoved", (x1 + x2) / 2, (y1 + y2) / 2, button="left", buttons=1)
        self.mouse("mouseMoved", x2, y2, button="left", buttons=1)
        self.mouse("mouseReleased", x2, y2, button="left", clickCount=1)

    def click(self, x, y):
        self.drag(x, y, x, y)

    def key(self, key):
        text = key if len(key) == 1 else ""
        self.command("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
        self.command("Input.dispatchKeyEvent", type="keyUp", key=key)

    def screenshot(self):
        """The page as PNG."""
        return base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"])
