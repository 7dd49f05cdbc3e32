"""Opens report.html in headless Chromium and uses it as a reader would: points, searches, turns axes, narrows the window.

Usage: check_page.py CHROMIUM REPORT.html [--screenshots DIR]

Speaks the DevTools protocol over --remote-debugging-pipe (file descriptors 3 and 4, messages ended by a zero byte), so
that nothing beyond the standard library is needed. Prints one line for each check that holds; the first that does not
ends it with exit code 1.
"""

import base64
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time


class Browser:
    """A Chromium with one page, driven through a pipe."""

    def __init__(self, program, profile):
        to_browser, self.writing = os.pipe()
        self.reading, from_browser = os.pipe()
        self.log = open(os.path.join(profile, "browser.log"), "wb")

        def wire():
            # First out of the way of 3 and 4, then onto them.
            taken, given = os.dup(to_browser), os.dup(from_browser)
            high_in, high_out = os.dup2(taken, 61), os.dup2(given, 62)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", f"--user-data-dir={profile}", "--remote-debugging-pipe",
             "--force-prefers-no-reduced-motion", "about:blank"],
            preexec_fn=wire, close_fds=False, stdout=self.log, stderr=self.log)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.rest, self.events, self.session = 0, b"", [], None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def message(self, seconds):
        """The next message, or None when none comes in time."""
        end = time.monotonic() + seconds
        while b"\0" not in self.rest:
            if not select.select([self.reading], [], [], max(0, end - time.monotonic()))[0]:
                return None
            part = os.read(self.reading, 1 << 16)
            if not part:
                raise RuntimeError("the browser has gone")
            self.rest += part
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.writing, data):]
        while True:
            answer = self.message(120)
            if answer is None:
                raise RuntimeError(f"{method}: no answer")
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def value(self, expression):
        """What an expression gives in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def settle(self):
        """Lets two frames be drawn."""
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def open(self, address):
        self.events.clear()
        self.call("Page.navigate", url=address)
        end = time.monotonic() + 120
        while self.value("document.readyState") != "complete" or self.value("location.href") != address:
            if time.monotonic() > end:
                raise RuntimeError("the page does not load")
            time.sleep(0.05)
        self.settle()

    def window(self, width, height, scheme="light"):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.settle()

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def key(self, key):
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if len(key) == 1 and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **text)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screenshot(self, path, whole=True):
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        pathlib.Path(path).write_bytes(base64.b64decode(answer["data"]))

    def complaints(self):
        """What the console said, and what was asked of any network."""
        said = []
        for event in self.events:
            method, what = event.get("method"), event.get("params", {})
            if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                said.append(json.dumps(what)[:400])
            if method == "Network.requestWillBeSent" and not what["request"]["url"].startswith(("file:", "data:", "blob:")):
                said.append("asked for " + what["request"]["url"])
        return said

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(20)
        except (RuntimeError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.log.close()


def check(holds, what):
    if not holds:
        print(f"check_page: does not hold: {what}", file=sys.stderr)
        sys.exit(1)
    print(f"  holds: {what}")


PIXELS = """(() => { const drawn = document.getElementById("scatter").toDataURL(); let sum = 0;
  for (let i = 0; i < drawn.length; i++) sum = (sum * 31 + drawn.charCodeAt(i)) % 4294967296;
  return sum; })()"""
BOX = """(() => { const b = document.getElementById("scatter").getBoundingClientRect();
  return [b.left, b.top, b.width, b.height]; })()"""


def text(name):
    return f'document.getElementById("{name}").textContent'


def widest(browser):
    return browser.value("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")


def checks(browser, page, shots):
    browser.window(1280, 900)
    browser.open(pathlib.Path(page).resolve().as_uri())
    check(not browser.complaints(), f"the console is silent {browser.complaints()}")
    report = json.loads(browser.value(text("data")))
    cards = browser.value('[...document.querySelectorAll(".card b")].map((b) => b.textContent)')
    wanted = report["cards"] if "cards" in report else report["variants"][0]["cards"]
    check(cards == [v["text"] for c in wanted for v in c["values"]], f"the numbers that matter are shown: {cards}")
    # With what is said of them; how many warnings follow depends on the numbers.
    said = ".card b, .card .scale, .card p:not(.warning)"
    bottoms = browser.value(f"[...document.querySelectorAll({json.dumps(said)})].map((c) => c.getBoundingClientRect().bottom)")
    check(bottoms and max(bottoms) <= 900, f"they are on the first screen ({max(bottoms):.0f})")
    if "metrics" in report:
        rows = browser.value('[...document.querySelectorAll("#metric-table tbody th[scope=row]")].map((h) => h.textContent)')
        check({m["path"] for m in report["metrics"]} <= set(rows), f"every metric has a row ({len(report['metrics'])})")
    check(browser.value("window.broken === undefined"), "nothing of the data was run")
    if "variants" in report:
        comparison(browser, report)
    tables(browser, report)

    if report.get("scatter"):
        scatter(browser, report)
        views(browser, report, shots)
    if shots:
        browser.screenshot(f"{shots}/light.png")
    browser.window(1280, 900, "dark")
    ground = browser.value("getComputedStyle(document.body).backgroundColor")
    check(ground == "rgb(20, 23, 27)", f"a dark reader gets a dark page ({ground})")
    if shots:
        browser.screenshot(f"{shots}/dark.png")
    browser.window(390, 844)
    check(widest(browser) <= 390, f"390 pixels hold it without scrolling sideways ({widest(browser)})")
    if shots:
        browser.screenshot(f"{shots}/phone.png")
    browser.window(1280, 900)
    saved = browser.value("""(async () => { const kept = URL.createObjectURL, names = []; const blobs = [];
      URL.createObjectURL = (blob) => { blobs.push([blob.type, blob.size]); return kept(blob); };
      HTMLAnchorElement.prototype.click = function () { names.push(this.download); };
      for (const b of document.querySelectorAll(".downloads button")) b.click();
      const wanted = document.querySelectorAll(".downloads button").length;
      for (let k = 0; k < 100 && names.length < wanted; k++) await new Promise((done) => setTimeout(done, 50));
      return [wanted, names, blobs]; })()""")
    check(len(saved[1]) == saved[0] and all(size > 100 or kind == "text/csv" for kind, size in saved[2]),
          f"every download gives a file: {', '.join(sorted(saved[1]))}")
    check(not browser.complaints(), f"the console is still silent {browser.complaints()}")


def comparison(browser, report):
    """Every arm has its sentence, its curve and its runs."""
    variant = report["variants"][0]
    said = browser.value('[...document.querySelectorAll(".card > p:not(.warning)")].map((p) => p.textContent)')
    check(said == [c["meaning"] for c in variant["cards"]], f"each number has its sentence: {said[0]}")
    for arm in report["arms"]:
        shown = browser.value(f'[...document.querySelectorAll(".card")].every((c) => [...c.querySelectorAll(".value span")]'
                              f'.some((s) => s.textContent === {json.dumps(arm)}))')
        check(shown, f"{arm} is on every card")
    charts = browser.value('document.querySelectorAll("#charts svg").length')
    check(charts == len(variant["curves"]) + len(variant["bars"]), f"every curve and every chart of bars is drawn ({charts})")
    bands = browser.value('document.querySelectorAll("#charts path[fill-opacity]").length')
    wanted = sum(1 for c in variant["curves"] for line in c["lines"] if line.get("low"))
    check(bands == wanted, f"bands are where several seeds are ({bands})")
    if len(report["variants"]) > 1:
        browser.value("""(() => { const s = document.getElementById("variant"); s.value = "1";
          s.dispatchEvent(new Event("change")); })()""")
        shown = browser.value('[...document.querySelectorAll(".card b")].map((b) => b.textContent)')
        check(shown == [v["text"] for c in report["variants"][1]["cards"] for v in c["values"]],
              f"the other budget has its own numbers ({report['variants'][1]['name']})")
        browser.value("""(() => { const s = document.getElementById("variant"); s.value = "0";
          s.dispatchEvent(new Event("change")); })()""")


def tables(browser, report):
    """Tables hold what the data hold, pictures and what was found instead included."""
    for table in report.get("tables", []):
        rows = browser.value(f'[...document.querySelectorAll("#tables h3")].find((h) => h.textContent === '
                             f'{json.dumps(table["title"])}).closest(".tablehead").parentElement'
                             f'.querySelectorAll("tbody tr:not(.group)").length')
        check(rows == len(table["rows"]), f"{table['title']}: {rows} rows")
    failing = [row for part in report.get("pairs", []) if part.get("finds") for row in part["rows"]]
    if failing:
        check(all(row.get("found") is not None and row["found"] != row["pair"] for row in failing),
              f"each of {len(failing)} failures names another pair that was found")
        if failing[0].get("foundCaption"):
            cells = browser.value('[...document.querySelectorAll(`#pairs td[data-name^="Found instead"]`)]'
                                  '.map((c) => c.textContent)')
            check(len(cells) == len(failing) and all(row["foundCaption"] in "".join(cells) for row in failing),
                  f"and says what it is: {cells[0][:60]}")
    pictures = (report.get("thumbnails") or {}).get("pictures", [])
    if pictures and report.get("pairs"):
        loaded = browser.value("""(async () => { const all = [...document.querySelectorAll("#pairs img.thumb")];
          for (const p of all) { p.loading = "eager"; await p.decode(); }
          return [all.length, all.filter((p) => p.naturalWidth > 0 && p.alt).length]; })()""")
        check(loaded[0] > 0 and loaded[0] == loaded[1], f"the pictures of the tables load and have words ({loaded[0]})")


def switch(browser, name, value):
    browser.value(f"""(() => {{ const s = document.getElementById({json.dumps(name)}); s.value = {json.dumps(str(value))};
      s.dispatchEvent(new Event("change")); s.dispatchEvent(new Event("input")); }})()""")
    browser.settle()


def views(browser, report, shots):
    """Layers, steps and arms."""
    plot = report["scatter"]
    for number, view in enumerate(plot["views"]):
        if number > 0:
            before = browser.value(PIXELS)
            switch(browser, "view", number)
            check(browser.value(PIXELS) != before and view["name"] in
                  browser.value('document.getElementById("scatter").getAttribute("aria-label")'), f"shows {view['name']}")
        steps = sorted({frame["step"] for frame in view["frames"] if frame.get("step") is not None})
        if len(steps) < 2 or number > 2:
            continue
        check(browser.value('!document.getElementById("training").hidden'), f"a slider over {len(steps)} evaluations")
        seen = []
        for k, step in enumerate(steps):
            switch(browser, "step", k)
            seen.append(browser.value(PIXELS))
            check(browser.value(text("step-now")).startswith(f"{step:,} of"), f"step {step}: {browser.value(text('step-now'))}")
        check(len(set(seen)) == len(seen), "each step is another picture")
        if shots:
            browser.value('document.getElementById("scatter-section").scrollIntoView({behavior: "instant"})')
            for k in (0, len(steps) - 1):
                switch(browser, "step", k)
                browser.screenshot(f"{shots}/view-{number}-step-{steps[k]}.png", whole=False)
        if len(plot["arms"]) > 1:
            boxes = browser.value('document.querySelectorAll("#arms input").length')
            check(boxes == len(plot["arms"]), f"a box for each of {boxes} arms")
            before = browser.value(PIXELS)
            browser.value('document.querySelector("#arms input").click()')
            browser.settle()
            check(browser.value(PIXELS) != before, "an arm can be taken away")
            browser.value('document.querySelector("#arms input").click()')
            browser.settle()
            check(browser.value(PIXELS) == before, "and brought back")
        browser.value('document.getElementById("play").click()')
        time.sleep(0.9)
        check(browser.value('Number(document.getElementById("step").value)') > 0, "it plays")
        browser.value('if (document.getElementById("play").textContent === "Stop") document.getElementById("play").click()')
    if len(plot["views"]) > 1:
        switch(browser, "view", 0)


def scatter(browser, report):
    chosen = report["scatter"]["sets"][report["scatter"]["views"][0]["set"]]
    count = chosen["count"]
    browser.value('document.getElementById("scatter").scrollIntoView({block: "center", behavior: "instant"})')
    browser.settle()
    left, top, width, height = browser.value(BOX)
    before = browser.value(PIXELS)
    # Sweeps the pointer until it meets a point.
    met = ""
    # Steps so fine that no point can lie between them.
    for k in range(42 * 34):
        browser.mouse("mouseMoved", left + width * (k % 42 + 0.5) / 42, top + height * (k // 42 + 0.5) / 34)
        if not browser.value('document.getElementById("tip").hidden'):
            met = browser.value(text("tip"))
            break
    browser.settle()
    check(met.startswith("Pair ") and "cosine" in met, f"pointing at a point says what it is: {met[:60]}")
    check(browser.value(PIXELS) != before, "and marks its pair")
    if chosen.get("thumbnails"):
        check(browser.value('[...document.querySelectorAll("#tip img")].every((p) => p.naturalWidth > 0) '
                            '&& document.querySelectorAll("#tip img").length === 1'), "and shows its picture")
    time.sleep(0.5)
    check(browser.value(text("said")).startswith("Pair "), "and tells a screen reader")

    before = browser.value(PIXELS)
    browser.value("""(() => { const s = document.getElementById("axis-y"); s.value = String(s.options.length - 1);
      s.dispatchEvent(new Event("change")); })()""")
    browser.settle()
    check(browser.value(PIXELS) != before, "turning to another component draws another picture")
    last = len(report["scatter"]["views"][0]["variance"])
    check(f"PC{last}" in browser.value('document.getElementById("scatter").getAttribute("aria-label")'), "and says so")

    browser.value('document.getElementById("scatter").focus()')
    for key in ("ArrowLeft", "+", "-", "0", "n"):
        before = browser.value(PIXELS)
        browser.key(key)
        browser.settle()
        check(browser.value(PIXELS) != before or key == "0", f"the key {key} acts")
    check(browser.value("document.activeElement.matches(':focus-visible')"), "the focus can be seen")
    before = browser.value(PIXELS)
    browser.mouse("mousePressed", left + width / 2, top + height / 2, button="left", buttons=1, clickCount=1)
    browser.mouse("mouseMoved", left + width / 2 + 80, top + height / 2 + 30, button="left", buttons=1)
    browser.mouse("mouseReleased", left + width / 2 + 80, top + height / 2 + 30, button="left", clickCount=1)
    browser.settle()
    check(browser.value(PIXELS) != before, "dragging moves the picture")

    captions, ids = chosen.get("captions"), chosen.get("ids")
    wanted = captions[-1] if captions else ids[-1] if ids else str(count - 1)
    browser.value('document.getElementById("search").focus()')
    browser.type(wanted)
    browser.settle()
    check("found" in browser.value(text("search-count")) and not browser.value(text("search-count")).startswith("No"),
          f"searching finds: {browser.value(text('search-count'))}")
    listed = browser.value('[...document.querySelectorAll("#matches button")].map((b) => b.getAttribute("aria-label"))')
    check(any(wanted in label for label in listed), "what was searched is listed")
    browser.value('document.getElementById("search").value = ""; document.getElementById("search")'
                  '.dispatchEvent(new Event("input"))')

    spent = browser.value("""(async () => { const c = document.getElementById("scatter"); c.focus();
      const start = performance.now(); for (let k = 0; k < 20; k++) {
        c.dispatchEvent(new KeyboardEvent("keydown", { key: k % 2 ? "ArrowLeft" : "ArrowRight", bubbles: true }));
        await new Promise((done) => requestAnimationFrame(done)); }
      return (performance.now() - start) / 20; })()""")
    print(f"  {2 * count} points: {spent:.1f} ms a frame")


def main():
    program, page = sys.argv[1], sys.argv[2]
    shots = sys.argv[4] if len(sys.argv) > 4 and sys.argv[3] == "--screenshots" else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            checks(browser, page, shots)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
