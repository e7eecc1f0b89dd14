"""Learned priors: what is written is read, what is wrong is refused, what is in force is theirs."""

import json
from dataclasses import replace

import pytest

from bayeslaw import Discrepancy, Inflated, Noise, Priors, Spec, SpecError, load_priors
from bayeslaw.model.layout import lay_out
from bayeslaw.model.priors import shipped_priors, slug
from tests.scoring.synthetic import ladder

LEARNED = Priors(
    law="chinchilla",
    intervals={"E": (0.5, 0.9), "a": (0.1, 0.5), "b": (0.1, 0.4), "alpha": (0.2, 0.3),
               "beta": (0.2, 0.35)},
    trusting={"E": (0.6, 0.9), "a": (0.1, 0.6), "b": (0.1, 0.5), "alpha": (0.3, 0.4),
              "beta": (0.3, 0.45)},
    between={"E": 0.05},
    run=(0.001, 0.01),
    scale=(0.01, 0.05),
    length=4.0,
    labs=("north", "south"),
    left_out=("east",),
    families=5,
    runs=40,
    sources={"ours": "00ff"},
    method="by hand",
    version="0.1.0",
)  # fmt: skip


def test_a_file_gives_back_what_was_saved(tmp_path):
    path = LEARNED.save(tmp_path / "ours.json")
    assert load_priors(path) == LEARNED


def test_a_specification_keeps_its_learned_priors_through_json():
    spec = Spec(priors={"alpha": (0.25, 0.4)}).with_priors(LEARNED)
    assert Spec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_specification_of_an_older_file_has_none():
    older = {k: v for k, v in Spec().to_dict().items() if k != "beliefs"}
    assert Spec.from_dict(older) == Spec()


def test_everything_that_was_learned_is_in_force():
    spec = Spec(noise=Noise(tails=None)).with_priors(LEARNED)
    for p in spec.law.parameters:
        assert spec.interval(p) == (LEARNED.intervals[p.name], False)
    assert spec.noise == Noise(run=LEARNED.run, tails=None)
    assert spec.discrepancy == Discrepancy(scale=LEARNED.scale, length=LEARNED.length)


def test_a_model_that_trusts_the_law_has_intervals_of_its_own():
    spec = replace(Spec().with_priors(LEARNED), discrepancy=None)
    assert spec == Spec(discrepancy=None).with_priors(LEARNED)
    assert spec.interval(spec.law.parameter("alpha")) == (LEARNED.trusting["alpha"], False)


def test_an_interval_of_the_users_own_is_stronger():
    spec = Spec(priors={"E": (1.5, 1.9)}).with_priors(LEARNED)
    assert spec.interval(spec.law.parameter("E")) == ((1.5, 1.9), True)


def test_learned_intervals_of_losses_are_fractions_of_each_familys_anchor():
    layout = lay_out(Spec().with_priors(LEARNED), ladder(("a", "b")))
    assert layout.priors["E"].scale == pytest.approx(layout.anchors)
    assert layout.priors["alpha"].scale == pytest.approx([1.0, 1.0])


def test_priors_of_another_law_are_refused_with_the_remedy():
    with pytest.raises(SpecError, match=r"for law 'chinchilla'.*priors learn --law kaplan"):
        Spec("kaplan").with_priors(LEARNED)


def test_priors_that_lack_a_parameter_are_refused():
    fewer = {name: LEARNED.intervals[name] for name in ("E", "a")}
    with pytest.raises(SpecError, match="expected those of E, a, b, alpha, beta"):
        Spec().with_priors(replace(LEARNED, intervals=fewer, trusting=fewer))


@pytest.mark.parametrize(
    ("change", "piece"),
    [
        (lambda d: d.update(format=99), "format 99; this version reads 1"),
        (lambda d: d.pop("format"), "format None"),
        (lambda d: d.pop("noise"), "incomplete"),
        (lambda d: d["parameters"]["E"].update(interval=[2, 1]), "0 < low < high"),
        (lambda d: d["parameters"]["E"].update(interval="ab"), "0 < low < high"),
        (lambda d: d["discrepancy"].update(scale=[0.0, 0.1]), "0 < low < high"),
        (lambda d: d["discrepancy"].update(length=-1.0), "positive number of e-folds"),
        (lambda d: d["provenance"].update(runs="many"), "incomplete"),
        (lambda d: d.update(parameters=[1]), "incomplete"),
    ],
)
def test_a_wrong_file_is_refused_with_the_remedy(change, piece, tmp_path):
    values = LEARNED.to_dict()
    change(values)
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(values))
    with pytest.raises(SpecError, match=piece) as error:
        load_priors(path)
    assert "wrong.json" in str(error.value)


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_what_is_no_json_object_is_refused(text, tmp_path):
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(SpecError, match=r"wrong\.json"):
        load_priors(path)


def test_an_unknown_name_lists_what_is_shipped():
    with pytest.raises(SpecError, match="one of generic, without-"):
        load_priors("without-nobody")


@pytest.mark.parametrize("name", shipped_priors())
def test_shipped_priors_say_where_they_come_from(name):
    priors = load_priors(name)
    assert priors.labs and priors.runs > 100 and priors.sources and priors.method
    assert Spec().with_priors(priors).discrepancy.scale[0] > 0


def test_for_every_lab_there_are_priors_that_did_not_see_it():
    everything = load_priors("generic")
    assert not everything.left_out
    for lab in everything.labs:
        without = load_priors(f"without-{slug(lab)}")
        assert without.left_out == (lab,) and lab not in without.labs
        assert set(without.labs) == set(everything.labs) - {lab}
        assert without.runs < everything.runs


def test_learned_spreads_between_families_are_in_force_and_others_as_declared():
    layout = lay_out(Spec().with_priors(LEARNED), ladder(("a", "b")))
    declared = Spec().law.parameter("a").between
    assert (layout.priors["E"].between, layout.priors["a"].between) == (0.05, declared)


def test_a_learned_spread_moves_the_declared_model_and_the_first_belief_of_a_lattice():
    from bayeslaw.inference.prior import draw_prior
    from bayeslaw.inference.quadrature.population import first_belief

    far = dict.fromkeys(LEARNED.intervals, 0.5)
    spec = Spec(discrepancy=None).with_priors(replace(LEARNED, between=far))
    layout = lay_out(spec, ladder(("a", "b")))
    drawn = draw_prior(spec, layout, draws=200, seed=0)["between"].median("draw").values
    assert (drawn > 0.35).all()
    assert (first_belief(spec, layout).spread[:5] > 0.5).all()


@pytest.mark.parametrize("wrong", [{"between": 0.0}, {"length": -1.0}, {"length": float("inf")}])
def test_noise_that_cannot_be_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(SpecError, match=rf"noise\.{name} is .*expected a positive number"):
        Noise(**wrong)


def test_a_spread_between_families_that_cannot_be_is_refused():
    with pytest.raises(SpecError, match=r"s\.d\. of E between families is -1"):
        replace(LEARNED, between={"E": -1.0})


def test_a_learned_drift_is_in_force_where_an_inflated_error_is_asked_for():
    learned = replace(LEARNED, kappa=(0.002, 0.02))
    assert Priors.from_dict(json.loads(learned.text())) == learned
    assert Spec(discrepancy=Inflated()).with_priors(learned).discrepancy.kappa == (0.002, 0.02)
    spec = Spec(discrepancy=Inflated()).with_priors(LEARNED)
    assert spec.discrepancy == Inflated()
    assert spec.interval(spec.law.parameter("alpha")) == (LEARNED.trusting["alpha"], False)
