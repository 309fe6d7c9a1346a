"""The examples in the docstrings are true."""

import doctest

import pytest

from convscope.engines.common import losses
from convscope.engines.reference.im2col import columns
from convscope.engines.reference.layers import activation, rules


@pytest.mark.parametrize("module", [activation, columns, losses, rules], ids=lambda module: module.__name__)
def test_docstring_examples(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
