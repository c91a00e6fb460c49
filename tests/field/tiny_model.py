"""A model of random weights that llama.cpp loads: `python tiny_model.py VOCABULARY.gguf tiny.gguf`.

It writes nonsense, as fast as a real one writes sense. The vocabulary is one of those in llama.cpp's `models/`. Needs
the `gguf` package, which is no dependency of anything else here.
"""

import sys

import numpy as np
from gguf import GGUFReader, GGUFValueType, GGUFWriter  # type: ignore[import-not-found]

_WIDTH, _HEADS, _INNER, _LAYERS, _CONTEXT = 64, 4, 128, 2, 4_096
_TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "


def main(vocabulary: str, path: str) -> None:
    """Write the model to `path`."""
    writer = GGUFWriter(path, "llama")
    tokens = 0
    for field in GGUFReader(vocabulary).fields.values():
        if not field.name.startswith("tokenizer."):
            continue
        if field.types[0] == GGUFValueType.ARRAY:
            writer.add_array(field.name, field.contents())
        else:
            writer.add_key_value(field.name, field.contents(), field.types[0])
        if field.name == "tokenizer.ggml.tokens":
            tokens = len(field.data)
    writer.add_chat_template(_TEMPLATE)
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_vocab_size(tokens)
    random = np.random.default_rng(1)
    shapes = {"token_embd": (tokens, _WIDTH), "output": (tokens, _WIDTH), "output_norm": (_WIDTH,)}
    for layer in range(_LAYERS):
        of_layer = {
            **{f"attn_{name}": (_WIDTH, _WIDTH) for name in ("q", "k", "v", "output")},
            **{f"{name}_norm": (_WIDTH,) for name in ("attn", "ffn")},
            **{f"ffn_{name}": (_INNER, _WIDTH) for name in ("gate", "up")},
            "ffn_down": (_WIDTH, _INNER),
        }
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in of_layer.items()}
    for name, shape in shapes.items():
        is_norm = name.endswith("_norm")
        weights = np.ones(shape) if is_norm else random.normal(0, 0.2, shape)
        writer.add_tensor(f"{name}.weight", weights.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
