import numpy as np
import pytest
import torch

from ttm_estimators.inputs.arrays import as_numbers


def dtypes():
    """All that torch lists, also those that a later release brings."""
    return sorted({v for v in vars(torch).values() if isinstance(v, torch.dtype)}, key=str)


def tensor_of(dtype):
    """0, 1, 2, 1 where torch can write them in this kind, or else whatever is in memory."""
    try:
        return torch.tensor([0.0, 1.0, 2.0, 1.0]).to(dtype)
    except RuntimeError:
        return torch.empty(4, dtype=dtype)


# Torch warns of kinds that are experimental, or on their way out.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", dtypes(), ids=str)
def test_a_tensor_of_any_dtype_is_taken_or_refused_by_name(dtype):
    tensor = tensor_of(dtype)
    try:
        expected = None if dtype.is_complex else tensor.to(torch.float64).numpy()
    except RuntimeError:  # torch has no numbers of this kind
        expected = None
    if expected is None:
        with pytest.raises(ValueError, match=r"^series 3 is .*: give "):
            as_numbers(tensor, "series 3")
    else:
        taken = as_numbers(tensor, "series 3")
        assert taken.dtype == np.float64
        np.testing.assert_array_equal(taken, expected)


NUMBERS = [
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
]


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_what_torch_counts_with_is_taken(dtype):
    expected = [0, 1, 1, 1] if dtype == torch.bool else [0, 1, 2, 1]
    np.testing.assert_array_equal(as_numbers(tensor_of(dtype), "series 0"), expected)


def test_a_tensor_keeps_every_digit_and_its_missing_values():
    given = torch.tensor([1 / 3, torch.nan, 1e-300], dtype=torch.float64, requires_grad=True)
    np.testing.assert_array_equal(as_numbers(given, "series 0"), [1 / 3, np.nan, 1e-300])
    rounded = torch.tensor([1 / 3, torch.nan]).bfloat16()
    np.testing.assert_array_equal(as_numbers(rounded, "series 0"), [0.333984375, np.nan])


def test_the_negative_view_of_a_tensor_is_read():
    parts = torch.imag(torch.tensor([1 + 2j, 3 - 4j]).conj())
    np.testing.assert_array_equal(as_numbers(parts, "series 0"), [-2, 4])


ONES = torch.ones(3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ONES.to(torch.complex32), "is complex: give its real"),
        (
            lambda: torch.quantize_per_tensor(ONES, 0.1, 0, torch.qint8),
            r"is quantised \(torch.qint8\): give its dequantize",
        ),
        (lambda: ONES.to_sparse(), "is a tensor of layout sparse_coo: give its to_dense"),
        (lambda: ONES[None].to_sparse_csr(), "is a tensor of layout sparse_csr: give its to_dense"),
        (lambda: ONES.to_mkldnn(), "is a tensor of layout mkldnn: give its to_dense"),
        (lambda: ONES.to("meta"), "is a meta tensor, which has no values: give one that has"),
        (lambda: torch.nested.nested_tensor([ONES, ONES[1:]]), "is a nested tensor: give the"),
        (
            lambda: torch.nested.nested_tensor([ONES, ONES[1:]], layout=torch.jagged),
            "is a nested tensor: give the",
        ),
        (
            lambda: torch.masked.masked_tensor(ONES, ONES > 0),
            "is a MaskedTensor of torch.float32, which torch does not convert: give a plain",
        ),
        (lambda: [*ONES.bfloat16()], "is nothing that numpy can read .*BFloat16.*torch.stack"),
    ],
)
def test_a_tensor_without_plain_numbers_is_refused_with_a_way_out(make, said):
    with pytest.raises(ValueError, match=f"^series 3 {said}"):
        as_numbers(make(), "series 3")
