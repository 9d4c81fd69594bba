"""The optimizers that torch has and a spec may name, with their options: a table, because lint knows no torch.

Left out: LBFGS takes many losses for a step, SparseAdam sparse gradients, Muon matrices alone. Options that choose a
kernel (foreach, fused, capturable) or change what a step means (maximize, differentiable) are not a recipe's.
"""

from __future__ import annotations

OPTIONS: dict[str, tuple[str, ...]] = {
    "ASGD": ("lambd", "alpha", "t0", "weight_decay"),
    "Adadelta": ("rho", "eps", "weight_decay"),
    "Adagrad": ("lr_decay", "weight_decay", "initial_accumulator_value", "eps"),
    "Adam": ("betas", "eps", "weight_decay", "amsgrad", "decoupled_weight_decay"),
    "AdamW": ("betas", "eps", "weight_decay", "amsgrad"),
    "Adamax": ("betas", "eps", "weight_decay"),
    "NAdam": ("betas", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay"),
    "RAdam": ("betas", "eps", "weight_decay", "decoupled_weight_decay"),
    "RMSprop": ("alpha", "eps", "weight_decay", "momentum", "centered"),
    "Rprop": ("etas", "step_sizes"),
    "SGD": ("momentum", "dampening", "weight_decay", "nesterov"),
}

# numbers for each weight that an optimizer keeps, where they are not two; some options add one each
KEPT = {"ASGD": 1, "Adagrad": 1, "RMSprop": 1, "SGD": 0}
KEEP_ONE_MORE = ("momentum", "centered", "amsgrad")
