"""The words of the language: what each is for, with an example."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A keyword, a section or a function."""

    what: str
    example: str


WORDS: dict[str, Word] = {
    "edition": Word(
        "the first statement of every file: the edition of the language that it is written in", "edition 1"
    ),
    "import": Word(
        "make the blocks and values of another file known under a name; lib/… is the library of s2sc",
        'import "lib/transformer.s2s" as blocks',
    ),
    "use": Word(
        "make modules of an installed package known by their signature file; nothing of it is run by lint or plan",
        "use acme_layers.rotary as acme",
    ),
    "as": Word(
        "give a name to an import, or to the number of a copy", "out = x -> repeat 4 as i { layer(skip = i >= 1) }"
    ),
    "let": Word("name a static value, a part or a module; the order of lets does not matter", "let width = 256"),
    "block": Word(
        "name a piece of a model with parameters and results; written out where it is used, with weights of its own",
        "block layer(x: seq, size) => y { y = x -> lstm(size) -> dropout(0.1) }",
    ),
    "module": Word(
        "in a signature file: what a module of a package takes, gives, costs and tolerates",
        'module rotary(x: seq[batch, time, d], base: float = 10000.0) => y: seq[batch, time, d] { class = "Rotary" }',
    ),
    "repeat": Word(
        "copy a module a number of times, one after the other, each with weights of its own",
        "out = data.audio -> repeat 6 { layer(256) }",
    ),
    "table": Word(
        "a stack of copies of a block, one row a layer; a column `repeat` makes several of a row",
        "table stack of conv {\n  | channels | kernel | repeat |\n  | 256      | 11     | 3      |\n}",
    ),
    "of": Word("says in a table which block its rows are", "table stack of conv { … }"),
    "if": Word(
        "choose between two values by a static condition; there is always an else",
        "y = if skip then x + h else h",
    ),
    "then": Word("the value of an `if` whose condition holds", "y = if skip then x + h else h"),
    "else": Word("the value of an `if` whose condition does not hold", "y = if skip then x + h else h"),
    "and": Word("true if both sides are", "let deep = layers > 4 and width > 256"),
    "or": Word("true if one side is", "let large = layers > 4 or width > 256"),
    "not": Word("true if what follows is false", "let shallow = not deep"),
    "true": Word("the truth value; Python writes True", "bidirectional = true"),
    "false": Word("the truth value; Python writes False", "bias = false"),
    "none": Word("no value, where a parameter may go without one; Python writes None", "clip = none"),
    "shared": Word(
        "let several uses of a module have the same weights; without it a second use is an error",
        "shared emb = embedding(data.target.vocab, 512)",
    ),
    "->": Word("give a tensor to a module: `x -> f(k = v)`", "out = data.audio -> linear(256) -> relu"),
    "=>": Word("name the results of a block", "block two(x: seq) => (y, h) { … }"),
    "..": Word("a range, both ends included; a unit at its end covers both", "keep = 0.1s .. 16.7s"),
    "encoder": Word(
        "the part that reads the input; its results are used as encoder.out",
        "encoder {\n  out = data.audio -> lstm(256, layers = 2)\n}",
    ),
    "decoder": Word(
        "the part that gives logits, and with `infer` what it writes; it is written for the whole target, and the "
        "step for one token is derived",
        "decoder {\n  logits = encoder.out -> linear(32)\n  infer  = logits -> greedy_ctc(blank = 28)\n}",
    ),
    "infer": Word("the search: how logits become tokens", "infer = logits -> beam(width = 4)"),
    "profile": Word(
        "values for another occasion, chosen by --profile; it may only set what exists",
        "profile quick {\n  hyperparameters.stop = 20 steps\n}",
    ),
    "pad_to": Word(
        "the next multiple: pad_to(8, 29) is 32", "logits = encoder.out -> linear(pad_to(8, chars.size + 1))"
    ),
    "min": Word("the least number; in a checkpoint, the least value of a metric", "best = min(valid.wer)"),
    "max": Word("the greatest number; in a checkpoint, the greatest value of a metric", "best = max(valid.bleu)"),
    "path": Word("join pieces of a path", 'root = path(env("DATA", default = "data"), "digits")'),
    "env": Word(
        "a path from an environment variable, with a default; in data paths only, and never read by lint or plan",
        'root = env("LIBRISPEECH", default = "data/LibriSpeech")',
    ),
    "pair": Word("two files whose lines belong together", 'train = pair("train.en", "train.de")'),
    "split": Word("a share of a split, set aside for another", "valid = split(train, 10%)"),
}
