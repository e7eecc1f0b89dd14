"""The public data sets the package knows: where each comes from, its licence and its columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bayeslaw.names import FAMILY, FLOPS, LAB, LOSS, LOSS_SD, PARAMS, RUN, SEED, TOKENS

#: Ends of a 95 % interval; the loader turns the pair into ``loss_sd``.
LOSS_LOW, LOSS_HIGH = "loss_low", "loss_high"


@dataclass(frozen=True)
class Exclusion:
    """Rows left out of a data set, how they are recognised, how many they are, and why."""

    column: str
    relation: Literal["in", "not in", ">", "largest", "missing", "repeated"]
    value: Any  #: the listed values, the bound, how many, or the other columns compared
    rows: int
    reason: str


@dataclass(frozen=True)
class Choice:
    """An option of ``load_dataset``: which rows to keep, or which columns hold the loss."""

    name: str
    values: tuple[str, ...]  #: the first is the default
    rows: str | None = None  #: keep the rows whose value in this column is the chosen one
    columns: Mapping[str, str] = field(default_factory=dict)  #: canonical name -> "loss_{}"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One public data set, as data: nothing here reads a file."""

    name: str
    title: str
    paper: str
    licence: str  #: "none" means: never redistributed, only the user's own machine downloads it
    rows: int  #: rows after the exclusions, under the default choices
    kind: Literal["runs", "table"] = "runs"  #: a table has no (params, tokens, loss) reading
    upstream: str | None = None  #: owner/name@commit:path
    sha256: str | None = None  #: of the upstream file; None: no verified checksum on record
    size: int | None = None  #: bytes of the upstream file
    local: str | None = None  #: path below BAYESLAW_DATA_DIR of the table with tidied columns
    local_sha256: str | None = None
    embedded: str | None = None  #: file name among the data shipped with the package
    columns: Mapping[str, str] = field(default_factory=dict)  #: found -> canonical
    keep: tuple[str, ...] = ()  #: further columns kept under their own names
    constants: Mapping[str, str | float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)  #: label column -> template
    separate: tuple[str, str] | None = None  #: (column, value): such rows are runs of their own
    restarts: str | None = None  #: where this column falls, the next curve of a run label begins
    choices: tuple[Choice, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    caveats: tuple[str, ...] = ()  #: known faults that stay in

    @property
    def url(self) -> str | None:
        """The upstream file, or the upstream tree when the set is spread over several files."""
        if self.upstream is None:
            return None
        repository, _, place = self.upstream.partition("@")
        commit, _, path = place.partition(":")
        if not path or "*" in path:
            return f"https://github.com/{repository}/tree/{commit}"
        return f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"


NDL = {"N": PARAMS, "D": TOKENS, "loss": LOSS}
FACTS = "facts with a source per row; arrangement Apache-2.0"

# --- shipped with the package -----------------------------------------------------------------

SIMULATED = Dataset(
    name="simulated",
    title="Three simulated families with known truth, two seeds and four checkpoints per setting",
    paper="made by data/simulate.py; the truth is in data/simulated_ladder.json",
    licence="Apache-2.0",
    rows=240,
    embedded="simulated_ladder.csv",
    columns={c: c for c in (FAMILY, RUN, SEED, PARAMS, TOKENS, LOSS)},
)

PUBLISHED = Dataset(
    name="published",
    title="Losses printed in papers and model cards, 16 families from 7 labs",
    paper="one source per row",
    licence=FACTS,
    rows=91,
    embedded="published_losses.csv",
    columns={c: c for c in (FAMILY, LAB, PARAMS, TOKENS, FLOPS, LOSS, LOSS_SD)},
    keep=("params_kind", "level_group", "eval_set", "tokenizer", "model", "source", "table"),
    exclusions=(
        Exclusion(
            FAMILY, "in", ("GPT-J (Pile test)", "GPT-NeoX (Pile test)"), 2,
            "one model each, total parameters only, tokens from another source than the loss",
        ),
        Exclusion(
            FAMILY, "in", ("RWKV-4 (Pile val)",), 3,
            "the models of RWKV-4 (Pile own eval), evaluated a second time",
        ),
        Exclusion(
            FAMILY, "in",
            tuple(
                f"{a} (SlimPajama)"
                for a in ("GPT-3", "H3", "Hyena", "RWKV-5", "RWKV-6", "RetNet", "HGRN", "GLA",
                          "HGRN2")
            ), 9,
            "one run per architecture: no scaling to learn and none to hold out",
        ),
        Exclusion(
            FAMILY, "in", ("TokenFormer (OpenWebText)",), 1,
            "one run: no scaling to learn and none to hold out",
        ),
    ),
    caveats=(
        "Cerebras-GPT lies on tokens = 20 params: its size and data terms are not separable",
        "loss_sd is the rounding of the printed figure only",
    ),
)  # fmt: skip


def _table(name: str, title: str, paper: str, rows: int) -> Dataset:
    return Dataset(
        name=name, title=title, paper=paper, licence=FACTS, rows=rows, kind="table",
        embedded=f"{name}.csv",
    )  # fmt: skip


EMBEDDED_TABLES = (
    _table("downstream", "Task scores beside size, tokens and loss", "one source per row", 1056),
    _table("seed_noise", "Run-to-run standard deviations by size", "one source per row", 32),
    _table("gpt2_table3", "GPT-2 zero-shot results", "GPT-2 report (OpenAI 2019)", 28),
    _table("pile_paper_bpb", "GPT-2 and GPT-3 on the Pile, bits per byte", "2101.00027", 8),
    _table("kaplan2020_fits", "Exponents and scales of Kaplan et al.", "2001.08361", 14),
    _table("hoffmann2022_table2_exponents", "Chinchilla's three exponents", "2203.15556", 3),
    _table("hoffmann2022_tables3_A3_optimal", "Chinchilla's optimal sizes", "2203.15556", 9),
    _table("besiroglu2024_estimates", "The Chinchilla refit of Besiroglu et al.", "2404.10102", 9),
    _table("gpt3_tableD1_compute", "GPT-3 sizes, tokens and compute", "2005.14165", 8),
    _table("wei2022_table1_emergence_scales", "Scales where abilities emerge", "2206.07682", 22),
)

# --- runs tables on the user's own machine ----------------------------------------------------

CHINCHILLA = Dataset(
    name="chinchilla_epoch",
    title="Chinchilla runs digitised from a figure by Epoch AI",
    paper="2404.10102",
    licence="none",
    rows=245,
    upstream="epoch-research/analyzing-chinchilla@92258837425e1b5f2851d624287f0120583a3d0e"
    ":data/svg_extracted_data.csv",
    sha256="193478df4e90f040016431996c45682659306840ecdadf83cfb9cd5ca0aa1b30",
    size=23224,
    local="chinchilla_epoch/chinchilla_svg.csv",
    local_sha256="f4dbfecc3d42c0d69e8a4bfec6b4840b2af07fd87857a31f970a7b45379e09cd",
    columns=NDL | {"C": FLOPS, "Model Size": PARAMS, "Training FLOP": FLOPS},
    constants={FAMILY: "Chinchilla", LAB: "Hoffmann2022"},
    caveats=("losses take 99 distinct values (read from a colour scale, about 0.01 nats)",),
)

COLPRET = Dataset(
    name="colpret",
    title="Training curves collected by Choshen, Zhang and Andreas",
    paper="2410.11840",
    licence="MIT (compilation)",
    rows=7893,
    upstream="IBM/ColPret@16f23bbe054277ddc4afd07a972dd7cfbe3f48c3:aggregated_eval/*",
    local="colpret/colpret_curves.csv",
    local_sha256="c3ad926a31d42503a6cad502348ed9ed7b61617c6e33cd2d9613368b468d9479",
    columns=NDL | {"paper": LAB, "family": FAMILY, "D_unique": "unique_tokens"},
    keep=("model", "arch", "data", "epochs", "metric", "split"),
    labels={RUN: "{family}/{model}/{split}"},
    separate=(FAMILY, "Chinchilla"),
    exclusions=(
        Exclusion(LOSS, ">", 15.0, 23, "first steps of LLM360-Mamba, worse than a uniform guess"),
        Exclusion(LOSS, "repeated", (RUN, TOKENS), 5, "last rows of revisiting-LM, given twice"),
    ),
    caveats=(
        "revisiting-LM is a normalised loss and LLM360-Amber a log of a mixed score, not nats",
        "pile-T5 is a span-corruption loss; OPT is the log of a perplexity",
        "each datablations-codemix family mixes the losses of two validation sets",
        "datablations-oscar 3 and 4 epochs hold the same 2.8B curve",
        "Chinchilla's points are runs of their own: its model labels round the sizes",
        "no seeds",
    ),
)
CODEMIX = tuple(f"datablations-codemix-{percent}" for percent in range(10, 100, 10))

GADRE_LOSSES = ("c4_val", "openlm_val", "paloma_c4_en", "paloma_100pl", "paloma_refinedweb",
                "paloma_ptb", "paloma_redpajama", "de_en")  # fmt: skip
OLMO_LOSSES = ("c4_en", "dolma_books", "dolma_common-crawl", "dolma_pes2o", "dolma_reddit",
               "dolma_stack", "dolma_wiki", "ice", "m2d2_s2orc", "pile",
               "wikitext_103")  # fmt: skip
ROUTING_LOSSES = ("validation", "c4", "curation_corpus", "lambada", "pile", "wikitext103")

ROUTING = Dataset(
    name="gdm_routing",
    title="Dense and routed language models, one expert per token in every second layer",
    paper="2202.01169",
    licence="CC-BY-4.0",
    rows=4147,
    upstream="google-deepmind/scaling_laws_for_routing@42da0c392b127df2c01fa7b705f72396050d05e5"
    ":data/curves.csv.gz",
    local="gdm_routing/gdm_routing_curves.csv.gz",
    local_sha256="28e1719c2968320b37fe6780a2c62d3fb4316a6a68e9a5a24c03dae0e5533419",
    columns={"N_dense": PARAMS, "D": TOKENS, "family": FAMILY, "run_id": RUN, "seed": SEED,
             "num_experts": "experts"},
    keep=("N_total", "router_type", "k", "routing_frequency", "flop_increase", "step"),
    constants={LAB: "Clark2022"},
    choices=(Choice("loss", ROUTING_LOSSES, columns={LOSS: "loss_{}"}),),
    exclusions=(
        Exclusion("step", "in", (0,), 223, "untrained models"),
        Exclusion(LOSS, "missing", None, 8, "no loss recorded"),
        Exclusion("k", "not in", (1,), 421, "several experts per token, or a wider dense layer"),
        Exclusion("routing_frequency", "not in", (0.5,), 1000, "other share of routed layers"),
    ),
    caveats=(
        "all runs end at the same tokens, so tokens are confounded with schedule position",
        "four S-Base configurations hold two runs under one seed label",
    ),
)  # fmt: skip

RUNS_TABLES = (
    CHINCHILLA,
    replace(
        CHINCHILLA,
        name="chinchilla_epoch_240",
        title="The same without the five highest losses, as Besiroglu et al. fit them",
        rows=240,
        exclusions=(
            Exclusion(LOSS, "largest", 5, 5, "outliers of the digitisation (four short runs)"),
        ),
    ),
    COLPRET,
    replace(
        COLPRET,
        name="colpret_clean",
        title="ColPret without normalised, mixed and epoch-grid families",
        labels={RUN: "{family}/{model}"},
        rows=7229,
        exclusions=(
            Exclusion(FAMILY, "in", ("revisiting-LM",), 144, "normalised loss, not nats"),
            Exclusion(FAMILY, "in", CODEMIX, 296, "two validation sets mixed in one family"),
            Exclusion(FAMILY, "in", ("datablations-contour",), 229, "grid of repeated epochs"),
            COLPRET.exclusions[0],
        ),
    ),
    Dataset(
        name="gadre_overtrain",
        title="104 models trained past compute-optimal on three corpora",
        paper="2403.08540",
        licence="MIT",
        rows=104,
        upstream="mlfoundations/scaling@a003c4913793ac2ae7ef87b28ecb562955d026d5"
        ":exp_data/models/*.json",
        local="gadre_overtrain/gadre_runs.csv",
        local_sha256="2cadbdba0cb7326936559fce5c6363e38c9af93ec6bf26577002092cc22bb45f",
        columns={"N": PARAMS, "D": TOKENS, "family": FAMILY, "run_id": RUN},
        keep=("dataset", "N_nonemb", "chinchilla_mult", "arch"),
        constants={LAB: "Gadre2024"},
        choices=(
            Choice(
                "loss",
                GADRE_LOSSES,
                columns={LOSS: "loss_{}", LOSS_LOW: "lo95_{}", LOSS_HIGH: "hi95_{}"},
            ),
        ),
        caveats=("tiny models at low multipliers lie far off any smooth law",),
    ),
    Dataset(
        name="gemstones",
        title="22 widths and depths with checkpoints, three learning-rate schedules",
        paper="2502.06857",
        licence="MIT",
        rows=3850,
        upstream="mcleish7/gemstone-scaling-laws@5f420478f6057b0cbb4d13405fb10ca64675bccb"
        ":wandb_dfs/*.jsonl",
        local="gemstones/gemstones.csv",
        local_sha256="415705cace9a0afdb66b23f8aadb8ee616b219affcf09f20ddccaf01ecfe3711",
        columns=NDL | {"family": FAMILY, "run_id": RUN},
        keep=("model", "N_nonemb", "width", "depth", "phase", "loss_kind", "step"),
        constants={LAB: "McLeish2025"},
        separate=("phase", "cooldown_end"),
        choices=(
            Choice("loss", ("val_dolma", "val_dclm", "val_fineweb_edu"), rows="loss_kind"),
            Choice("phase", ("stable_lr", "cooldown_end", "stable_half_lr"), rows="phase"),
        ),
        caveats=("stable checkpoints sit 0.05 to 0.1 nats above cooled ends",),
    ),
    Dataset(
        name="datablations",
        title="Data-constrained runs with repeated epochs and seeds",
        paper="2305.16264",
        licence="Apache-2.0",
        rows=293,
        upstream="huggingface/datablations@13701315b163f1c54642b94ad237b2699187c3ee"
        ":plotstables/return_alloc.ipynb",
        local="datablations/datablations_final.csv",
        local_sha256="e253101344b2a7c157973c0c24cae8d201f7744043edacfbab87ec6b5c6cc18a",
        columns=NDL
        | {"family": FAMILY, "name": RUN, "D_unique": "unique_tokens", "seed_label": SEED},
        keep=("epochs", "variant"),
        constants={LAB: "Muennighoff2023"},
        exclusions=(
            Exclusion(LOSS, "missing", None, 9, "runs that did not finish"),
            Exclusion("variant", "in", ("dedup",), 12, "another corpus (deduplicated)"),
            Exclusion("variant", "in", ("opt", "opt2"), 2, "other optimiser settings"),
        ),
        caveats=("overfitted runs reach 11 nats", "heavy upper tail among the 4.2B seeds"),
    ),
    Dataset(
        name="olmo_ladder",
        title="OLMo model ladder, 190M to 3B with training curves",
        paper="2412.04403",
        licence="Apache-2.0",
        rows=3569,
        upstream="allenai/OLMo-ladder@67a3f440f787d020da35e3ca8eeae475fae754f5",
        local="olmo_ladder/olmo_ladder.csv.gz",
        local_sha256="ffba9d0c643e5139352031abf00ab18d4d79758ab84e19cfea5d29e4fda74338",
        columns={"N": PARAMS, "D": TOKENS, "family": FAMILY, "run_id": RUN, "replicate": SEED},
        keep=("size", "chinchilla_mult", "step", "D_full", "batch_tokens"),
        constants={LAB: "Bhagia2024"},
        choices=(Choice("loss", OLMO_LOSSES, columns={LOSS: "ce_{}"}),),
        caveats=("only the last row of a run is annealed", "params without input embedding"),
    ),
    Dataset(
        name="porian",
        title="IsoFLOP grids under several training conditions",
        paper="2406.19146",
        licence="MIT",
        rows=940,
        upstream="formll/resolving-scaling-law-discrepancies"
        "@0dc60d91b8a525858a3067fc9e4a46ff5374cc6f:data/summary_df*.pickle.xz",
        local="porian/porian_isoflop.csv",
        local_sha256="939271076e004d25aae7648e9b33da88a355bbf3b6b15a41a1bfc8a4829c8a0c",
        columns=NDL | {"condition": FAMILY, "flops": FLOPS, "param_count": "count"},
        keep=("dataset", "hparams", "warmup", "decay", "loss_kind"),
        constants={LAB: "Porian2024"},
        labels={RUN: "{family}|{params:.0f}"},
        separate=("decay", "chinchilla"),
        choices=(Choice("count", ("standard", "attention", "kaplan"), rows="param_count"),),
        caveats=("attention and kaplan counts come with training losses, and overlap standard",),
    ),
    ROUTING,
    replace(
        ROUTING,
        name="gdm_routing_all",
        title="Dense and routed language models, every routing variant",
        rows=5568,
        exclusions=ROUTING.exclusions[:2],
        caveats=(*ROUTING.caveats, "one family mixes experts per token and routing frequency"),
    ),
    Dataset(
        name="modded_nanogpt",
        title="Repeated 162M runs of the modded-nanogpt optimisation track",
        paper="repository",
        licence="MIT",
        rows=18566,
        upstream="KellerJordan/modded-nanogpt@f411b3d346aa52d3504324ca93c230fd84c6c07f",
        local="modded_nanogpt/track3_curves.parquet",
        local_sha256="5559b9f2dfcf30254ab48643602cc37d805d9a90b55bb7da957961edf0f15a76",
        columns={"config": FAMILY, "run": RUN, "D": TOKENS, "val_loss": LOSS},
        keep=("record", "step", "total_steps", "complete"),
        constants={LAB: "modded-nanogpt", PARAMS: 162e6},
        labels={SEED: "{run}"},
        restarts="step",
        exclusions=(
            Exclusion("complete", "in", (False,), 826, "unfinished runs"),
            Exclusion("step", "in", (0,), 332, "untrained models"),
        ),
        caveats=(
            "one size only",
            "runs are selected near a target loss of 3.28",
            "some log files hold several curves: they are numbered #1, #2, ...; a few of these are "
            "fragments of one to three rows that repeat the end of a curve",
        ),
    ),
)

# --- other tables on the user's own machine ---------------------------------------------------

OTHER_TABLES = (
    Dataset(
        name="bnsl_addition",
        title="Test loss of 4-digit addition against training examples, a sharp break",
        paper="2210.14891",
        licence="none",
        rows=17,
        kind="table",
        upstream="ethancaballero/broken_neural_scaling_laws"
        "@ffa608f7ca7910b6f6bcbd39915491353ad5d600"
        ":fit_bnsl_and_extrapolate__4_digit_addition__dataset_size_x-axis.py",
        local="bnsl_4digit_addition/bnsl_4digit_addition.csv",
        local_sha256="d44e1e23b7567d18a176c7436f49ba35c6d955d06734497070f91d61ea7ba5c4",
    ),
    Dataset(
        name="obsscaling_base",
        title="Benchmark scores of 148 base models (observational scaling laws)",
        paper="2405.10938",
        licence="Apache-2.0",
        rows=148,
        kind="table",
        upstream="ryoungj/ObsScaling@4d6e1e43fd2635d04654aa77d1df9d5266ea0382"
        ":eval_results/base_llm_benchmark_eval.csv",
        sha256="511996815735a4c46251dc585dcc525e370d148201f86561e6f927f9df2d0db8",
        size=28155,
        local="obsscaling/base_llm_benchmark_eval.csv",
        local_sha256="511996815735a4c46251dc585dcc525e370d148201f86561e6f927f9df2d0db8",
    ),
    Dataset(
        name="obsscaling_emergent",
        title="Emergent-capability scores of 83 base models",
        paper="2405.10938",
        licence="Apache-2.0",
        rows=84,
        kind="table",
        upstream="ryoungj/ObsScaling@4d6e1e43fd2635d04654aa77d1df9d5266ea0382"
        ":eval_results/base_llm_emergent_capability_eval.csv",
        local="obsscaling/base_llm_emergent_capability_eval.csv",
        local_sha256="a156beee73c39b7833c3c53535c473939105512d85e90b0143be7325e516ef7c",
    ),
    Dataset(
        name="sloth",
        title="Leaderboard scores of 188 models in 68 families (Sloth)",
        paper="2412.06540",
        licence="MIT",
        rows=188,
        kind="table",
        upstream="felipemaiapolo/sloth@6dc6bb3efeefc7c1db01d60cba1f4b73e5d260d1:data/data_v2.csv",
        local="sloth/data_v2.csv",
        local_sha256="528d08d7bc04dc71a73d42ea0a1041396616505b53a140052828104afe0c6f39",
    ),
    Dataset(
        name="pythia_evals",
        title="Pythia evaluations along training",
        paper="2304.01373",
        licence="Apache-2.0",
        rows=1051,
        kind="table",
        upstream="EleutherAI/pythia@a19eecb807ec2c79a39ebf18108816e6ffffc1d5:evals/*",
        local="pythia_evals/pythia_evals.csv",
        local_sha256="8246d01df5810fe2a9623becba3288890bf9411ac1bd4917a212e239992d5994",
    ),
    Dataset(
        name="nslpfn_language",
        title="Language learning curves of the Alabdulmohsin benchmark",
        paper="2505.23032",
        licence="MIT",
        rows=1399,
        kind="table",
        upstream="DongWooLee-Eli/nslpfn@10a5a60911a2a22ef453d8b4ddf1408b6a6075d9"
        ":data/benchmark.lang.csv",
        sha256="63c346db00a66b692e1ea9a0f71a2f2b267e55f74be5b863a92e199dffbf0983",
        size=82032,
        local="nslpfn/benchmark.lang.csv",
        local_sha256="63c346db00a66b692e1ea9a0f71a2f2b267e55f74be5b863a92e199dffbf0983",
        caveats=("every LM row occurs four times",),
    ),
    Dataset(
        name="nslpfn_vision",
        title="Image-classification learning curves of the Alabdulmohsin benchmark",
        paper="2505.23032",
        licence="MIT",
        rows=18883,
        kind="table",
        upstream="DongWooLee-Eli/nslpfn@10a5a60911a2a22ef453d8b4ddf1408b6a6075d9"
        ":data/benchmark.vision.csv",
        sha256="23b00692d71e58aa5a2a941e831d57688e0977fdcf5f5125ff7b64283b5d9e83",
        local="nslpfn/benchmark.vision.csv.gz",
        local_sha256="b5a1c6548807be5be3f4d6d985f96e8a5a04b0a1194863b028a00e5affe1a539",
    ),
    Dataset(
        name="nslpfn_nano",
        title="nanoGPT-Bench: 24 curves over seven widths",
        paper="2505.23032",
        licence="MIT",
        rows=168,
        kind="table",
        upstream="DongWooLee-Eli/nslpfn@10a5a60911a2a22ef453d8b4ddf1408b6a6075d9:data/*.npy",
        local="nslpfn/nano_curves.csv",
        local_sha256="1eb4b2e5429f8597997e7dfbfcf72f557a1f105c90133673b7c1c7277032c571",
    ),
)

DATASETS: tuple[Dataset, ...] = (
    PUBLISHED,
    SIMULATED,
    replace(
        PUBLISHED,
        name="published_all",
        title="Every transcribed loss, single runs and second evaluations included",
        rows=106,
        exclusions=(),
    ),
    *RUNS_TABLES,
    *EMBEDDED_TABLES,
    *OTHER_TABLES,
)
