"""The examples in the docstrings are true."""

import doctest

import pytest

from convscope.reference import activation, losses, rules
from convscope.reference.matrix import columns


@pytest.mark.parametrize("module", [activation, columns, losses, rules], ids=lambda module: module.__name__)
def test_examples_of_the_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
