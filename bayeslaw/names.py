"""The words of a runs table, each spelt once."""

FAMILY = "family"  #: group that shares a recipe: architecture, data, tokenizer and evaluation set
PARAMS = "params"  #: parameter count N
TOKENS = "tokens"  #: training tokens seen, D
LOSS = "loss"  #: cross-entropy in nats per token
LAB = "lab"  #: group above the family
RUN = "run"  #: training run; its rows are checkpoints
SEED = "seed"  #: replicate label
FLOPS = "flops"  #: training compute C
LOSS_SD = "loss_sd"  #: known measurement standard deviation of the loss, 0 when unknown
FINAL = "final"  #: true on the annealed or last row of a run
