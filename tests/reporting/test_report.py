"""Reports answer first, need nothing else, and escape every name."""

import sys
from html.parser import HTMLParser

import pytest

from bayeslaw.design import Plan, decide
from bayeslaw.errors import BayeslawError, SpecError
from bayeslaw.inference import Health
from bayeslaw.inference.health import Check, Failure
from bayeslaw.prediction import Target, forecast
from bayeslaw.reporting import report
from tests.scoring.synthetic import ladder, synthetic_fit
from tests.scoring.test_backtest import card_of

EVIL = "<img src=x onerror=alert(1)>"
TARGET = Target(2e9, 4e10, EVIL)


class Reader(HTMLParser):
    """Collect tags, addresses, headings and text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.addresses, self.text = [], [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in {"meta", "path", "use"}:
            self.open.append(tag)
        self.addresses += [v for k, v in attrs if k in {"href", "src", "xlink:href"}]
        assert not [k for k, _ in attrs if k.startswith("on")]

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def results():
    fit = synthetic_fit(ladder(("ours", EVIL)), draws=300)
    choice = decide(fit, [Plan.ladder(1e20), Plan(EVIL, Plan.one_large(1e20).runs)], target=TARGET)
    card = card_of([2.0, 2.1], families=["ours", EVIL])
    return fit, forecast(fit, [TARGET, Target(2e9, 4e10, "new")]), card, choice


def test_a_page_needs_nothing_from_outside_and_runs_nothing(results, tmp_path):
    page = Reader(report(*results, path=tmp_path / "r.html").read_text())
    assert not {"script", "img", "link", "iframe", "object"} & set(page.tags)
    assert all(a.startswith("#") for a in page.addresses)
    assert page.tags.count("svg") == 2
    assert EVIL in page.text


def test_the_answer_comes_first_with_its_interval(results, tmp_path):
    page = report(*results, path=tmp_path / "r.html").read_text()
    low, high = results[1].interval(0.9)[0]
    first = page[page.index("<h1>") : page.index("</h1>")]
    assert f"(90 % interval {low:.3f} to {high:.3f})" in first


def test_every_section_is_there(results, tmp_path):
    text = Reader(report(*results, path=tmp_path / "r.html").read_text()).text
    for title in ("Forecast", "Picture", "How far to trust it", "Recommendation",
                  "Data and warnings", "Diagnostics", "Specification", "Seed and versions",
                  "How to reproduce"):  # fmt: skip
        assert title in text
    assert results[0].runs.digest in text


def test_the_order_of_results_does_not_matter(results, tmp_path):
    one = report(*results, path=tmp_path / "a.html").read_text()
    assert report(*reversed(results), path=tmp_path / "b.html").read_text() == one


@pytest.mark.parametrize("chosen", [(0,), (1,), (2,), (3,), (0, 1)])
def test_any_part_of_the_results_makes_a_page(results, chosen, tmp_path):
    page = report(*(results[i] for i in chosen), path=tmp_path / "r.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert "<img" not in page


def test_an_unhealthy_fit_is_marked_above_everything(tmp_path):
    sick = synthetic_fit(ladder(), draws=50, health=Health((Failure(Check.RHAT, "R-hat is 1.2"),)))
    page = report(sick, path=tmp_path / "r.html").read_text()
    assert page.index("not trustworthy") < page.index("<h2>")


def test_the_recipe_is_valid_python(results, tmp_path):
    from bayeslaw.reporting.sections import Results, reproduce

    fit, made, card, choice = results
    compile(reproduce(Results((fit,), (made,), (card,), (choice,))), "recipe", "exec")


def test_a_failed_write_leaves_no_half_file(results, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(BayeslawError, match="cannot write"):
        report(results[2], path=tmp_path / "taken")
    with pytest.raises(BayeslawError, match="Choose a folder"):
        report(results[2], path=tmp_path / "absent" / "r.html")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_strangers_and_nothing_are_refused(tmp_path):
    with pytest.raises(SpecError, match=r"asked of dict; expected Fit, Forecast"):
        report({}, path=tmp_path / "r.html")
    with pytest.raises(SpecError, match="no results"):
        report(path=tmp_path / "r.html")


def test_without_jinja_the_error_names_the_extra(results, tmp_path, monkeypatch):
    module = sys.modules["bayeslaw.reporting.report"]
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "jinja2" else object())
    with pytest.raises(BayeslawError, match=r"bayeslaw\[report\]"):
        report(results[2], path=tmp_path / "r.html")
