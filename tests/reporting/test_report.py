"""Reports answer first, need nothing else, and escape every name."""

import json
import re
import shlex
import sys
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from markdown_it import MarkdownIt
from typer.main import get_command

import bayeslaw
from bayeslaw.cli import app
from bayeslaw.design import Allocation, Comparison, Decision, Plan, allocate, compare, decide
from bayeslaw.errors import BayeslawError, SpecError
from bayeslaw.inference import Fit, Health
from bayeslaw.inference.health import Check, Failure
from bayeslaw.prediction import Forecast, Target, forecast
from bayeslaw.reporting import report
from bayeslaw.reporting.answers import answers
from bayeslaw.reporting.recipe import commands, script
from bayeslaw.reporting.results import Results, sort
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
        if tag not in {"meta", "path", "use", "input"}:
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


@pytest.fixture(scope="module")
def advice(results):
    fit = results[0]
    return allocate(fit, [1e21, 1e22], family=EVIL), compare(fit, Target(2e9, 4e10, kind="mean"))


@pytest.fixture(scope="module")
def written(results, tmp_path_factory):
    """The page of all results, written once."""
    return report(*results, path=tmp_path_factory.mktemp("report") / "r.html").read_text()


def test_a_page_needs_nothing_from_outside(written):
    page = Reader(written)
    assert not {"img", "link", "iframe", "object"} & set(page.tags)
    assert all(a.startswith("#") for a in page.addresses)
    assert page.tags.count("svg") == 2
    assert EVIL in page.text


def test_only_the_scripts_of_the_page_may_run(written):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', written)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in unescape(policy).split(";"))
    assert rules["default-src"] == "'none'"
    codes = re.findall(r"<script>(.*?)</script>", written, flags=re.DOTALL)
    digests = [b64encode(sha256(code.encode()).digest()).decode() for code in codes]
    assert rules["script-src"].split() == [f"'sha256-{digest}'" for digest in digests]
    assert len(digests) == 2 and "unsafe" not in rules["script-src"]


def test_data_for_the_script_cannot_end_its_element(written):
    data = re.search(r'<script type="application/json">(.*?)</script>', written, re.DOTALL)[1]
    assert not set("<>&\u2028\u2029") & set(data)
    chart = json.loads(data)
    assert {t["name"] for t in chart["data"]} == {escape(EVIL), "ours", "new"}
    assert EVIL in chart["walks"][0]["label"]


def test_a_page_without_a_chart_has_no_script(results, tmp_path):
    page = report(results[3], path=tmp_path / "r.html").read_text()
    assert "<script" not in page and "script-src 'none'" in unescape(page)


def test_the_answer_comes_first_with_its_interval(results, written):
    low, high = results[1].interval(0.9)[0]
    first = written[written.index("<h1>") : written.index("</h1>")]
    assert f"(90\u00a0% interval {low:.3f} to {high:.3f})" in first


def test_every_section_is_there(results, written):
    text = Reader(written).text
    for title in ("What loss will a run of", "Forecast", "How often intervals like these",
                  "How far to trust it", "Recommendation", "Data and warnings", "Diagnostics",
                  "Specification, seed and versions", "How to reproduce"):  # fmt: skip
        assert title in text
    assert results[0].runs.digest in text


def test_the_order_of_results_does_not_matter(results, written, tmp_path):
    assert report(*reversed(results), path=tmp_path / "b.html").read_text() == written


@pytest.mark.parametrize("chosen", [(0,), (1,), (2,), (3,), (4, 5)])
def test_any_part_of_the_results_makes_a_page(results, advice, chosen, tmp_path):
    every = (*results, *advice)
    page = report(*(every[i] for i in chosen), path=tmp_path / "r.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert "<img" not in page


def test_advice_is_answered_with_intervals(advice):
    best, pair = advice
    found = answers(Results(allocations=(best,), comparisons=(pair,)))
    low, high = np.quantile(pair.pairs[0].gap, [0.05, 0.95])
    assert [text.count("90 % interval") for text in found] == [2, 1]
    assert f"({low:+.3f} to {high:+.3f})" in found[1].replace("90 % interval ", "")


def test_an_unhealthy_fit_is_marked_above_everything(tmp_path):
    sick = synthetic_fit(ladder(), draws=50, health=Health((Failure(Check.RHAT, "R-hat is 1.2"),)))
    page = report(sick, path=tmp_path / "r.html").read_text()
    assert page.index("not trustworthy") < page.index("<h2>")


def test_the_recipe_is_python_that_makes_the_numbers_again(results, advice, tmp_path, monkeypatch):
    """What was fitted and read is replaced, all else runs."""
    fit, made, card, choice = results
    recipe = script(sort((fit, made, choice, *advice)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bayeslaw, "load_runs", lambda _: fit.runs)
    monkeypatch.setattr(bayeslaw, "fit", lambda runs, spec, **_: replace(fit, spec=spec))
    monkeypatch.setattr(bayeslaw, "report", lambda *again, path: kept.extend(again))
    kept = []
    exec(recipe.replace("...", "None"), {})
    assert [type(result) for result in kept] == [Fit, Forecast, Decision, Allocation, Comparison]
    assert kept[0].spec == fit.spec and kept[1].targets == made.targets
    assert (kept[1].draws == made.draws).all()
    assert kept[2].table.equals(choice.table)
    assert kept[3].family == advice[0].family and kept[4].ranking == advice[1].ranking
    assert "bl.backtest" not in recipe and "bl.backtest" in script(sort((replace(card, seed=1),)))


def test_the_command_lines_are_what_the_command_takes(results, advice):
    for line in commands(sort((*results, *advice))).splitlines():
        words = shlex.split(line)[1:]
        name, arguments = words[0], words[1:]
        taken = get_command(app).commands[name].make_context(name, arguments)
        assert taken.params["source"] == Path("fit.nc")
        assert taken.params["report"] == Path("report.html")


def test_markdown_says_the_same_and_runs_nothing(results, tmp_path):
    path = report(*results, path=tmp_path / "a b.md")
    text = path.read_text()
    pictures = sorted(p.name for p in tmp_path.glob("*.svg"))
    assert pictures == ["a b-1.svg", "a b-2.svg"] and "](a%20b-1.svg)" in text
    for name in pictures:
        assert ElementTree.parse(tmp_path / name).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    inline = [t for block in tokens for t in (block, *(block.children or []))]
    kinds = {t.type for t in inline}
    assert not {"html_block", "html_inline", "link_open"} & kinds
    assert {"table_open", "fence", "image", "heading_open"} <= kinds
    assert EVIL in "".join(t.content for t in inline if t.type == "text")


def test_a_failed_write_leaves_no_half_file(results, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(BayeslawError, match="cannot write"):
        report(results[2], path=tmp_path / "taken")
    with pytest.raises(BayeslawError, match="choose"):
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
