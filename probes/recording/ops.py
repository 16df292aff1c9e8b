"""What torch functions are called here, and what kind each is: one name per operation.

`F.relu(x)`, `torch.relu(x)`, `x.relu_()` and `x.clamp(min=0)` are all "relu"; `a @ b`, `torch.mm`
and `torch.bmm` are all "matmul".
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch


def words(text: str) -> frozenset[str]:
    """Return the words of `text`."""
    return frozenset(text.split())


LINEAR: Final = frozenset({"linear", "bilinear", "matmul", "einsum"})
CONVOLUTIONS: Final = frozenset(
    {f"conv{d}d" for d in (1, 2, 3)} | {f"conv_transpose{d}d" for d in (1, 2, 3)}
)
RECURRENT: Final = frozenset(
    {"lstm", "gru", "rnn_tanh", "rnn_relu"}
    | {"lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"}
)
ATTENTION: Final = frozenset({"multi_head_attention", "scaled_dot_product_attention"})
WEIGHTED: Final = LINEAR | CONVOLUTIONS | RECURRENT | {"multi_head_attention"}
EMBEDDINGS: Final = frozenset({"embedding", "embedding_bag"})
NORMALISATIONS: Final = frozenset(
    {"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"}
    | {"local_response_norm", "normalize", "sync_batch_norm"}
)
RECTIFIERS: Final = frozenset({"relu", "relu6"})
SATURATING: Final = frozenset({"sigmoid", "tanh", "hardsigmoid", "hardtanh"})
ACTIVATIONS: Final = (
    RECTIFIERS
    | SATURATING
    | frozenset({"leaky_relu", "rrelu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish"})
    | frozenset({"softplus", "softsign", "hardswish", "logsigmoid", "tanhshrink", "softshrink"})
    | frozenset({"hardshrink", "threshold", "clamp", "glu", "softmax", "log_softmax"})
)
RESHAPING: Final = words(
    "view reshape flatten unflatten ravel squeeze unsqueeze permute transpose swapaxes swapdims "
    "movedim moveaxis t T mT H mH adjoint contiguous clone to type type_as float double half "
    "bfloat16 cpu cuda expand expand_as broadcast_to getitem select narrow index_select chunk "
    "split tensor_split unbind flip roll detach data alias view_as reshape_as gather "
    "take_along_dim unfold pixel_shuffle pixel_unshuffle channel_shuffle requires_grad fold "
    "real diagonal repeat repeat_interleave tile rot90 masked_select vsplit hsplit dsplit "
    "atleast_1d atleast_2d atleast_3d squeeze_copy as_strided pack_padded_sequence "
    "pad_packed_sequence retain_grad broadcast_tensors positive"
)
JOINING: Final = words("cat concat concatenate stack hstack vstack dstack setitem")
ADDING: Final = frozenset({"add", "sub"})
SCALING: Final = frozenset({"mul", "div", "where", "masked_fill"})
AVERAGING: Final = frozenset(
    {f"avg_pool{d}d" for d in (1, 2, 3)}
    | {f"adaptive_avg_pool{d}d" for d in (1, 2, 3)}
    | words("mean sum nanmean cumsum neg pad interpolate upsample grid_sample dropout")
    | words("alpha_dropout feature_dropout feature_alpha_dropout index_add scatter_add")
)
LOSSES: Final = words(
    "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits kl_div poisson_nll_loss gaussian_nll_loss ctc_loss "
    "hinge_embedding_loss margin_ranking_loss multi_margin_loss multilabel_margin_loss "
    "multilabel_soft_margin_loss soft_margin_loss triplet_margin_loss "
    "triplet_margin_with_distance_loss cosine_embedding_loss"
)
FLAT: Final = words("round floor ceil sign sgn trunc fix rint floor_divide")  # derivative 0
CUTTING: Final = words("detach data tensor")  # take values out of the graph
EXPORTING: Final = words("numpy item tolist array float int")  # and out of PyTorch
ELEMENTWISE_PAIRS: Final = words("add sub mul div maximum minimum fmax fmin where")

_ALIASES: Final = {
    "mm": "matmul",
    "bmm": "matmul",
    "addmm": "matmul",
    "baddbmm": "matmul",
    "addbmm": "matmul",
    "mv": "matmul",
    "rmatmul": "matmul",
    "tensordot": "matmul",
    "spmm": "matmul",
    "hspmm": "matmul",
    "inner": "matmul",
    "radd": "add",
    "iadd": "add",
    "addcmul": "add",
    "rsub": "sub",
    "isub": "sub",
    "subtract": "sub",
    "rmul": "mul",
    "imul": "mul",
    "multiply": "mul",
    "rtruediv": "div",
    "truediv": "div",
    "itruediv": "div",
    "rdiv": "div",
    "idiv": "div",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "swish": "silu",
    "expit": "sigmoid",
    "clip": "clamp",
    "clamp_max": "clamp",
    "clamp_min": "clamp",
    "log_sigmoid": "logsigmoid",
    "dropout1d": "dropout",
    "dropout2d": "dropout",
    "dropout3d": "dropout",
    "native_dropout": "dropout",
    "multi_head_attention_forward": "multi_head_attention",
    "max_pool2d_with_indices": "max_pool2d",
    "native_layer_norm": "layer_norm",
    "native_group_norm": "group_norm",
}


@functools.cache
def plain_name(func: Callable[..., Any]) -> str:
    """Return the name of a torch function without its underscores and synonyms."""
    name = getattr(func, "__name__", "") or type(func).__name__
    if name == "__get__":  # a property such as x.T
        name = getattr(getattr(func, "__self__", None), "__name__", name)
    name = name.strip("_").removeprefix("special_")
    return _ALIASES.get(name, name)


def canonical(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return the canonical name of a call; a clamp at zero from below is a "relu"."""
    name = plain_name(func)
    if name not in ("clamp", "hardtanh", "threshold"):
        return name
    low, high = bounds(func, args, kwargs)
    if low == 0 and high is None:
        return "relu"
    if low == 0 and high == 6:
        return "relu6"
    return name


def bounds(
    func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[float | None, float | None]:
    """Return the lowest and the highest value that a clamping call lets through."""
    raw = getattr(func, "__name__", "").strip("_")
    if raw == "hardtanh":
        return (
            _number(argument(args, kwargs, 1, "min_val", -1.0)),
            _number(argument(args, kwargs, 2, "max_val", 1.0)),
        )
    if raw == "threshold":
        level, value = (argument(args, kwargs, n, k) for n, k in ((1, "threshold"), (2, "value")))
        return (_number(value), None) if level == value else (None, None)
    if raw == "clamp_max":
        return None, _number(argument(args, kwargs, 1, "max"))
    low = _number(argument(args, kwargs, 1, "min"))
    return low, None if raw == "clamp_min" else _number(argument(args, kwargs, 2, "max"))


def argument(
    args: Sequence[Any], kwargs: Mapping[str, Any], position: int, name: str, default: Any = None
) -> Any:
    """Return an argument given by position or by name."""
    if name in kwargs:
        return kwargs[name]
    return args[position] if position < len(args) else default


def _number(value: Any) -> float | None:
    if isinstance(value, torch.Tensor) or value is None or isinstance(value, bool):
        return None
    return float(value) if isinstance(value, int | float) else None


def passes_linearly(name: str, *, several: bool) -> bool:
    """Return whether an operation hands values on without a nonlinearity.

    `several`: it combines several activations, which then counts as a meeting of branches (a
    residual, a gate) unless it only moves values about. Normalisation counts as linear here: it
    does not make two layers more than one.
    """
    if name in RESHAPING:
        return True
    if several:
        return False
    return name in ADDING | SCALING | AVERAGING | JOINING | NORMALISATIONS | {"matmul", "identity"}
