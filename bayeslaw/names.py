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

# Inputs that only some laws ask for.
UNIQUE_TOKENS = "unique_tokens"  #: distinct training tokens, before any is repeated
EXPERTS = "experts"  #: experts of a routed model, 1 for a dense one
VOCAB = "vocab"  #: entries of the vocabulary
BATCH_TOKENS = "batch_tokens"  #: tokens per optimiser step
LR = "lr"  #: peak learning rate
STEPS = "steps"  #: optimiser steps
STEPS_MIN = "steps_min"  #: steps that an endless batch would need for the same loss
FLOPS_MIN = "flops_min"  #: compute that a vanishing batch would need for the same loss
UPSTREAM_LOSS = "upstream_loss"  #: pre-training loss, where the response is a task's error
LAW_INPUTS = (
    UNIQUE_TOKENS, EXPERTS, VOCAB, BATCH_TOKENS, LR, STEPS, STEPS_MIN, FLOPS_MIN, UPSTREAM_LOSS,
)  # fmt: skip
