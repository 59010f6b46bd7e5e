"""Training of the span tagger; needs the extra ``[train]`` (torch, safetensors, onnx)."""

from kg.train.tagger import find_encoder, train_tagger

__all__ = ["find_encoder", "train_tagger"]
