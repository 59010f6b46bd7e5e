"""The network of the span tagger: a BERT encoder with written shapes, and a head that scores spans.

The encoder has the parameters of ``all-MiniLM-L6-v2`` (6 layers, width 384, 12 heads; Wang et al. 2020,
https://arxiv.org/abs/2002.10957; Apache-2.0) and one more embedding for the way a word is written, which an uncased
vocabulary cannot see.  The head follows span-based extractors such as SpERT (Eberts and Ulges 2020,
https://arxiv.org/abs/1909.07755): a span is its first and last word, the mean of its tokens and its width.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kg.extract.spans import MAX_SPAN_WORDS, SHAPE_COUNT


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Sizes of the network."""

    vocabulary: int = 30522
    width: int = 384
    layers: int = 6
    heads: int = 12
    inner: int = 1536
    positions: int = 512
    span_width: int = 320
    labels: int = 13
    dropout: float = 0.1
    head_dropout: float = 0.2

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self)


class Layer(nn.Module):
    """A transformer layer, normalised after each part as in BERT."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.norm1 = nn.LayerNorm(config.width, eps=1e-12)
        self.up = nn.Linear(config.width, config.inner)
        self.down = nn.Linear(config.inner, config.width)
        self.norm2 = nn.LayerNorm(config.width, eps=1e-12)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, T, width) to the same shape; ``mask`` (B, 1, 1, T) is added to the attention scores."""
        b, t, width = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        attended = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.norm1(x + self.drop(self.out(attended.transpose(1, 2).reshape(b, t, width))))
        inner: Tensor = self.norm2(x + self.drop(self.down(nn.functional.gelu(self.up(x)))))
        return inner


class SpanNetwork(nn.Module):
    """Scores spans of words; see :meth:`forward`."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.word = nn.Embedding(config.vocabulary, config.width, padding_idx=0)
        self.position = nn.Embedding(config.positions, config.width)
        self.kind = nn.Embedding(2, config.width)
        self.shape = nn.Embedding(SHAPE_COUNT, config.width)
        self.norm = nn.LayerNorm(config.width, eps=1e-12)
        self.drop = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.first = nn.Linear(config.width, config.span_width)
        self.final = nn.Linear(config.width, config.span_width, bias=False)
        self.mean = nn.Linear(config.width, config.span_width, bias=False)
        self.size = nn.Embedding(MAX_SPAN_WORDS + 1, config.span_width)
        self.head_drop = nn.Dropout(config.head_dropout)
        self.hidden = nn.Linear(config.span_width, config.span_width)
        self.score = nn.Linear(config.span_width, config.labels)
        nn.init.normal_(self.shape.weight, std=0.02)
        nn.init.normal_(self.size.weight, std=0.02)
        nn.init.constant_(self.score.bias, -math.log(60.0))

    def encode(self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor, shape_ids: Tensor) -> Tensor:
        """Return hidden states (B, T, width) of token arrays (B, T); the mask is 1 for tokens and 0 for padding."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.word(input_ids) + self.kind(token_type_ids) + self.position(positions) + self.shape(shape_ids)
        x = self.drop(self.norm(x))
        mask = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * -1e4
        for layer in self.layers:
            x = layer(x, mask)
        states: Tensor = x
        return states

    def forward(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor,
        attention_mask: Tensor,
        shape_ids: Tensor,
        starts: Tensor,
        ends: Tensor,
        sizes: Tensor,
    ) -> Tensor:
        """Return logits (S, labels) of the spans.

        Token arrays are (B, T).  ``starts`` and ``ends`` (S,) are the places of the first and last word piece of each
        span in the flattened B*T tokens, ``sizes`` (S,) its number of words, at most ``MAX_SPAN_WORDS``.
        """
        x = self.encode(input_ids, token_type_ids, attention_mask, shape_ids).flatten(0, 1)
        return self.score_spans(x, starts, ends, sizes)

    def score_spans(self, x: Tensor, starts: Tensor, ends: Tensor, sizes: Tensor) -> Tensor:
        """Return logits (S, labels) of spans over flattened hidden states (B*T, width)."""
        sums = nn.functional.pad(self.mean(x).float().cumsum(0), (0, 0, 1, 0))
        length = (ends - starts + 1).unsqueeze(1).to(sums.dtype)
        mean = (sums[ends + 1] - sums[starts]) / length
        span = self.first(x)[starts] + self.final(x)[ends] + mean + self.size(sizes)
        span = torch.relu(self.head_drop(span))
        scores: Tensor = self.score(self.head_drop(torch.relu(self.hidden(span))))
        return scores.float()


def load_encoder(network: SpanNetwork, weights: Path) -> None:
    """Fill the encoder from the ``model.safetensors`` of a BERT model of the same sizes.

    Raises:
        KeyError: a tensor is absent.
    """
    from safetensors.torch import load_file

    state = load_file(str(weights))
    state = {k.removeprefix("bert."): v for k, v in state.items()}

    def put(module: Any, name: str) -> None:
        with torch.no_grad():
            for part in ("weight", "bias"):
                if getattr(module, part, None) is not None:
                    getattr(module, part).copy_(state[f"{name}.{part}"])

    put(network.word, "embeddings.word_embeddings")
    put(network.position, "embeddings.position_embeddings")
    put(network.kind, "embeddings.token_type_embeddings")
    put(network.norm, "embeddings.LayerNorm")
    for i, layer in enumerate(network.layers):
        at = f"encoder.layer.{i}"
        with torch.no_grad():
            for part in ("weight", "bias"):
                parts = [state[f"{at}.attention.self.{n}.{part}"] for n in ("query", "key", "value")]
                getattr(layer.qkv, part).copy_(torch.cat(parts))
        put(layer.out, f"{at}.attention.output.dense")
        put(layer.norm1, f"{at}.attention.output.LayerNorm")
        put(layer.up, f"{at}.intermediate.dense")
        put(layer.down, f"{at}.output.dense")
        put(layer.norm2, f"{at}.output.LayerNorm")
