# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What do other labs' ladders tell about a new family?
#
# Choshen et al. (arXiv:2410.11840) collected the training curves of many labs and asked how few
# models a law can be fitted to. Pooling is the other half of the answer: exponents are much alike
# across families, so a new family with one or two models can borrow them. The curves are downloaded,
# or read from `BAYESLAW_DATA_DIR`.

# %%
import bayeslaw as bl

SEED = 0  # every random number below comes from it
chosen = ("opt", "pythia", "gpt3", "mamba", "llama", "T5-Pile", "fairseq")
every = bl.load_dataset("colpret_clean")
named = [name for name in every.table["family"].unique() if name.lower().startswith(chosen)]
