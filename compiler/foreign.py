"""Options of other toolkits that have no parameter of their own here, or one that means something else."""

from __future__ import annotations


def advice(name: str) -> str | None:
    """What to do with an option that has no counterpart; one of a component is asked for as "adam.weight_decay" too."""
    return _ADVICE.get(name.lower().replace("-", "_"))


_FROM_INPUT = "leave it out: the size of what comes in is known"
_FROM_LENGTHS = "leave it out: sequences carry their lengths, and padding never counts"
_BATCH_FIRST = "leave it out: the batch is always the first axis"
_BEHIND = "write the activation behind it: … -> relu"

_GROUPS: dict[str, str] = {
    _FROM_INPUT: "input_size in_features in_channels input_dim num_inputs in_dim fan_in input_shape embed_dim "
    "self_attention.d_model self_attention.size kdim vdim normalized_shape hidden_size_in encoder_dim",
    _FROM_LENGTHS: "padding_idx pad_token_id ignore_index pad_id mask padding_mask key_padding_mask attention_mask "
    "src_key_padding_mask mask_zero input_lengths target_lengths sequence_length memory_sequence_length "
    "zero_infinity pad_index",
    _BATCH_FIRST: "batch_first time_major data_format",
    _BEHIND: "activation activation_fn activation_function nonlinearity hidden_act",
    "leave it out: a sequence goes in and a sequence comes out; mean_pool or max_pool end the time axis": (
        "return_sequences return_state"
    ),
    "leave it out: the window decides it, padded to the next power of two": "n_fft fft_size fft_length num_fft nfft",
    "write rate, the share that is dropped: rate = 1 - keep_prob": "dropout.keep_prob keep_probability",
    "write beta1 = 0.9, beta2 = 0.999": "betas adam_betas",
    "decay is for all weights: hyperparameters.regularizer = weight_decay(1e-4)": (
        "adam.weight_decay adamw.weight_decay momentum.weight_decay weight_decay_rate"
    ),
    "write precision = autocast(fp16)": "hyperparameters.fp16 hyperparameters.amp use_amp use_fp16 mixed_precision",
    "write precision = autocast(bf16)": "hyperparameters.bf16 use_bf16",
    "leave it out: the device is chosen by --device": "device devices gpus num_gpus accelerator use_gpu cuda",
    "leave it out: data is always read in parallel, `workers` says by how many processes": "pin_memory prefetch "
    "prefetch_factor persistent_workers",
    "leave it out: training data is in another order in every epoch": "shuffle shuffle_data shuffling",
}
_ADVICE = {name: sentence for sentence, names in _GROUPS.items() for name in names.split()}
