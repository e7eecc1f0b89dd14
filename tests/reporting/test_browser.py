"""A report in a real browser: the chart is drawn and moves, nothing is fetched, names stay text."""

import os
import shutil
from types import SimpleNamespace

import pytest

from bayeslaw.plots.interactive import step_text
from bayeslaw.plots.walks import walk
from bayeslaw.prediction import Target, forecast
from bayeslaw.reporting import report
from tests.scoring.synthetic import ladder, synthetic_fit

IMAGE = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"
LINK = "<b>%{x}</b><a href='https://x.org'>"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
WIDE = {"width": 1280, "height": 900}
HOVER = "Plotly.Fx.hover(document.querySelector('.plot'), [{curveNumber: 6, pointNumber: 0}])"
REQUIRE = "BAYESLAW_REQUIRE_BROWSER"
POINT = ".plot .scatterlayer .trace .point"


@pytest.fixture(scope="module")
def chromium():
    """The browser of the system; nothing is downloaded."""
    path = shutil.which("chromium")
    if path is None:
        text = "there is no chromium on PATH; install the package chromium of Debian"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"{text} ({REQUIRE}=1 forbids to skip)")
        pytest.skip(text)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    fit = synthetic_fit(ladder((IMAGE, SCRIPT, LINK)), draws=200)
    targets = forecast(fit, [Target(2e9, 4e10, IMAGE), Target(3e9, 6e10, SCRIPT)])
    path = report(fit, targets, path=tmp_path_factory.mktemp("browser") / "r.html")
    return SimpleNamespace(fit=fit, forecast=targets, path=path)


@pytest.fixture(scope="module")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


def opened(browser, made, faults, **settings):
    page = browser.new_context(**settings).new_page()
    page.on("console", lambda m: faults.append(f"console: {m.text}"))
    page.on("pageerror", lambda e: faults.append(f"error: {e}"))
    page.on("dialog", lambda d: (faults.append(f"dialog: {d.message}"), d.dismiss()))
    page.on("request", lambda r: r.url == made.path.as_uri() or faults.append(r.url))
    page.goto(made.path.as_uri())
    return page


@pytest.fixture(scope="module")
def live(browser, made):
    """Open the page once: it is large, and every test can put back what it moves."""
    faults = []
    page = opened(browser, made, faults, viewport=WIDE)
    page.wait_for_selector(POINT)
    return page, faults


@pytest.fixture
def page(live):
    """Lend the page; it must neither complain, nor ask for anything, nor run a name."""
    yield live[0]
    live[0].set_viewport_size(WIDE)
    live[0].emulate_media(media="screen")
    assert live[1] == []


@pytest.fixture
def unmoved(page):
    """Lend the page with its sliders where they begin, whichever test moved them before."""
    page.reload()
    page.wait_for_selector(POINT)
    return page


def traces(page):
    return page.locator(".plot .scatterlayer .trace")


def moved(page, target, key):
    """Move the slider of a target; return what the page then says."""
    page.locator("select").select_option(str(target))
    if key:
        page.locator("input[type=range]").press(key)
    return page.locator("output").inner_text().splitlines()


def test_the_chart_is_drawn(page):
    box = page.locator(".plot .main-svg").first.bounding_box()
    assert box["width"] > 600 and box["height"] > 300
    assert traces(page).count() == 15  # three ladders, and six parts for each of two targets
    assert not page.locator(".still").is_visible()


def test_on_a_telephone_nothing_is_wider_than_the_screen(page):
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(500)  # the chart follows at its leisure
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_slider_moves_the_interval_and_the_fan(unmoved, made):
    page = unmoved
    way = walk(made.fit, made.forecast, 0)
    low, high = made.forecast.interval(0.9)[0]
    assert f"90 % interval {low:.3f} to {high:.3f}" in moved(page, 0, None)
    fan = page.locator(".plot .scatterlayer .js-fill").first
    before = fan.get_attribute("d")
    assert moved(page, 0, "End") == step_text(way, len(way.steps) - 1)
    assert fan.get_attribute("d") != before
    assert moved(page, 0, "Home") == step_text(way, 0)


def test_each_target_has_a_place_of_its_own_on_the_slider(unmoved, made):
    way = walk(made.fit, made.forecast, 1)
    moved(unmoved, 0, "End")
    assert moved(unmoved, 1, None) == step_text(way, way.start)


def test_a_family_can_be_hidden_and_shown(page):
    toggle = page.locator(".plot .legendtoggle").first
    for count in (8, 15):
        toggle.click()
        page.wait_for_timeout(600)  # plotly waits for a second click
        assert traces(page).count() == count


def test_hostile_names_stay_text(page):
    named = page.locator(".plot .legendtext").all_text_contents()
    assert named == [IMAGE, SCRIPT[:31] + "\u2026", LINK[:31] + "\u2026"]
    assert page.locator("option").first.inner_text().startswith(IMAGE)
    page.evaluate(HOVER)
    assert page.locator(".plot .hoverlayer").text_content().startswith(IMAGE)
    assert page.locator("img, .plot a:not(.modebar-btn), b").count() == 0


def test_print_shows_the_still_picture(page, tmp_path):
    page.emulate_media(media="print")
    assert page.locator(".still svg").is_visible()
    assert not page.locator(".plot").is_visible() and not page.locator("output").is_visible()
    page.pdf(path=tmp_path / "r.pdf")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")


def test_without_scripts_the_still_picture_and_the_interval_are_there(browser, made):
    page = opened(browser, made, faults := [], java_script_enabled=False)
    assert page.locator(".still svg").is_visible()
    assert not page.locator("input[type=range]").is_visible()
    low, high = made.forecast.interval(0.9)[0]
    assert f"90 % interval {low:.3f} to {high:.3f}" in page.locator("output").inner_text()
    assert IMAGE in page.locator("table").first.inner_text()
    assert faults == []
