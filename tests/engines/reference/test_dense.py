"""Linear, Embedding and Scale against PyTorch."""

import numpy as np
import pytest
import torch.nn.functional as F

from convscope import layers as L
from convscope.engines.reference.layers import Context, forward
from convscope.errors import BadShape
from engines.reference.oracle import case, like_torch


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7,), (5, 7), (3, 5, 7)])
def test_linear_matches_pytorch_on_vectors_and_sequences(shape, bias):
    like_torch(case(L.Linear(4, bias=bias), (shape,)), F.linear)


@pytest.mark.parametrize("shape", [(7, 1), (7, 1, 1), (7, 1, 1, 1)])
def test_linear_reads_a_pooled_image_as_a_vector(shape):
    like_torch(case(L.Linear(4), (shape,)), lambda x, weight, bias: F.linear(x.flatten(1), weight, bias))


def test_linear_over_one_feature_keeps_the_axes_if_in_features_is_set():
    like_torch(case(L.Linear(4, in_features=1), ((7, 1),)), F.linear)


@pytest.mark.parametrize("shape", [(6,), (3, 5)])
def test_embedding_matches_pytorch(shape):
    """Rows looked up several times get their gradients summed; the integers get none."""
    like_torch(case(L.Embedding(4, 7), (shape,)), lambda words, weight: F.embedding(words.long(), weight))


@pytest.mark.parametrize(("word", "shown"), [(4, "4"), (-1, "-1"), (1.5, "1.5"), (np.nan, "nan")])
def test_embedding_rejects_indices_out_of_range(word, shown):
    one = case(L.Embedding(4, 7), ((3,),))
    words = np.array([[0, 3, word]])
    with pytest.raises(BadShape) as error:
        forward(one.layer, (words,), one.parameters, Context())
    assert str(error.value) == (
        f"Embedding.input must be integers from 0 to 3 (got {shown}). "
        "Look the words up in the vocabulary first. [embedding-index]"
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_scale_multiplies_along_one_axis(axis):
    """The factors broadcast over the axes after theirs."""
    like_torch(case(L.Scale(axis), ((4, 5, 7),)), lambda x, weight: x * weight)
