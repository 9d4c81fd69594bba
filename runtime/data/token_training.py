"""Tokenizers made from the training texts: once, then taken from the cache."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from ...compiler.parts.data.parallel_text import ParallelText
from ...compiler.parts.text.characters import Characters
from ...compiler.parts.text.sentencepiece import SentencePiece
from ...compiler.parts.text.words import Words
from ...compiler.trained_tokenizer import NUM_MARKS, TrainedTokenizer
from ..extras import extra
from ..storage import StorageError
from .characters import CharactersCodec
from .codec import Codec, composed
from .codecs import BadTokens, Codecs, open_codecs
from .corpus import OnProgress, cache_folder
from .json_line import LINE_BYTES
from .piece_training import TrainingFailed, train_pieces
from .tally import BadData
from .words import WordsCodec

# Another number for every change that gives another tokenizer for the same texts.
VERSION = 1
# More lines teach SentencePiece nothing and cost memory; every n-th is taken then.
MOST_LINES = 5_000_000


def trained_codecs(
    settings: ParallelText,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    environment: Mapping[str, str],
    on_progress: OnProgress | None = None,
    warn: Callable[[str], None] = lambda message: None,
) -> Codecs:
    """The tokenizers of a data section, trained on its training texts, or those of an earlier time from the cache.

    The same texts and settings give the same tokenizers, whatever the machine. The cache's folder is named after a hash
    of both, so nothing in it is ever out of date. Raises BadData where there are too few pieces, MissingExtra.
    """
    folder = cache_folder(environment) / f"tokens-{_hash(settings, sources, targets)}"
    if (folder / "tokens.json").exists():
        try:
            return open_codecs(folder, settings)
        except BadTokens as bad:
            warn(f"{bad}; the tokenizers are made again")
    codecs = _train(settings, sources, targets, on_progress, warn)
    try:
        codecs.save(folder)
    except StorageError as error:
        warn(f"{error}; the tokenizers will be made again the next time ($S2SC_CACHE may name another place)")
    return codecs


def _hash(settings: ParallelText, sources: Sequence[str], targets: Sequence[str]) -> str:
    kinds = [(tokenizer.name, sorted(tokenizer.values().items())) for tokenizer in settings.tokenizers]
    uses_pieces = any(isinstance(tokenizer, SentencePiece) for tokenizer in settings.tokenizers)
    library = metadata.version("sentencepiece") if uses_pieces and _is_installed() else ""
    digest = hashlib.sha256(json.dumps([VERSION, library, settings.joint, kinds], sort_keys=True).encode())
    for texts in (sources, targets):
        digest.update(f"\0{len(texts)}\0".encode())
        for text in texts:
            digest.update(text.encode() + b"\n")
    return digest.hexdigest()[:16]


def _is_installed() -> bool:
    try:
        metadata.version("sentencepiece")
    except metadata.PackageNotFoundError:
        return False
    return True


def _train(
    settings: ParallelText,
    sources: Sequence[str],
    targets: Sequence[str],
    on_progress: OnProgress | None,
    warn: Callable[[str], None],
) -> Codecs:
    of_source, of_target = settings.tokenizers
    work: list[tuple[str, TrainedTokenizer, Sequence[str]]]
    if settings.joint:
        work = [("tokens", of_source, [*sources, *targets])]
    else:
        work = [("source", of_source, sources), ("target", of_target, targets)]
    made: list[Codec] = []
    for done, (what, tokenizer, texts) in enumerate(work):
        if on_progress is not None:
            on_progress("training tokenizers", done, len(work))
        made.append(_codec(tokenizer, texts, what, warn))
    if on_progress is not None:
        on_progress("training tokenizers", len(work), len(work))
    return Codecs(made[0], made[-1])


def _codec(tokenizer: TrainedTokenizer, texts: Sequence[str], what: str, warn: Callable[[str], None]) -> Codec:
    size = tokenizer.num_tokens
    if isinstance(tokenizer, SentencePiece):
        return _sentencepiece(tokenizer, texts, what)
    if isinstance(tokenizer, Words):
        empty = WordsCodec((), size, lower=tokenizer.lower)
        pieces = _most_frequent((word for text in texts for word in empty.normalise(text).split()), size, what, warn)
        return WordsCodec(pieces, size, lower=tokenizer.lower)
    assert isinstance(tokenizer, Characters), tokenizer.name
    pieces = _most_frequent((letter for text in texts for letter in composed(text)), size, what, warn)
    return CharactersCodec(pieces, size)


def _most_frequent(pieces: Iterable[str], size: int, what: str, warn: Callable[[str], None]) -> list[str]:
    """As many different pieces as there are numbers for, by frequency, then by name."""
    counts = Counter(pieces)
    ranked = sorted(counts, key=lambda piece: (-counts[piece], piece))
    # sizes rounded up to a multiple of eight are common, and fast
    if len(ranked) + NUM_MARKS + 8 <= size:
        warn(f"{what}: size = {size} is more than the training texts fill; size = {len(ranked) + NUM_MARKS} is enough")
    return ranked[: size - NUM_MARKS]


def _sentencepiece(tokenizer: SentencePiece, texts: Sequence[str], what: str) -> Codec:
    with extra("text", "sentencepiece"):
        import sentencepiece
    from .sentencepiece import SentencePieceCodec

    step = -(-len(texts) // MOST_LINES)
    try:
        # one thread, all lines in their order: the same model everywhere
        model = train_pieces(
            Path(sentencepiece.__file__).parent.parent,
            (composed(text) for text in texts[::step]),
            model_type=tokenizer.kind,
            vocab_size=tokenizer.size,
            character_coverage=tokenizer.coverage,
            normalization_rule_name="identity",
            unk_id=0,
            bos_id=1,
            eos_id=2,
            pad_id=-1,
            num_threads=1,
            input_sentence_size=0,
            shuffle_input_sentence=False,
            max_sentence_length=LINE_BYTES,
            minloglevel=2,
        )
    except TrainingFailed as error:
        raise BadData("tokenizer", _explained(str(error), tokenizer.size, what)) from None
    return SentencePieceCodec(model)


def _explained(message: str, size: int, what: str) -> str:
    """What SentencePiece found wrong, as far as it is about the size."""
    most = re.search(r"value <= (\d+)", message)
    if most:
        return f"{what}: the training texts give {most[1]} pieces at most, not {size}; write size = {most[1]} or less"
    least = re.search(r"required_chars\. \d+ vs (\d+)", message)
    if least:
        return (
            f"{what}: the training texts have {int(least[1]) - NUM_MARKS} different characters, which size = {size} "
            f"has no room for; write size = {least[1]} or more, or a coverage below 1"
        )
    return f"{what}: SentencePiece cannot be trained: {message.rpartition('] ')[2][:200] or 'unknown fault'}"
