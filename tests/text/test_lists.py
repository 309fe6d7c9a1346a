"""Lists in sentences."""

import pytest

from convscope.text.language import Message, translate, use_language
from convscope.text.lists import counted, join_and, join_or, listed, shortened, shortened_with_count

NAMES = ["conv1", "pool1", "conv2", "pool2"]


@pytest.mark.parametrize(("limit", "text"), [(1, "conv1, …"), (3, "conv1, pool1, conv2, …")])
def test_shortened_list_ends_in_an_ellipsis(limit, text):
    assert shortened(NAMES, limit) == text


@pytest.mark.parametrize("limit", [4, 5])
def test_short_list_is_written_whole(limit):
    assert shortened(NAMES, limit) == shortened_with_count(NAMES, limit) == "conv1, pool1, conv2, pool2"


def test_shortened_list_counts_the_rest():
    assert shortened_with_count(NAMES, 3) == "conv1, pool1, conv2 and 1 more"


def test_empty_list_is_an_empty_text():
    assert shortened([], 3) == shortened_with_count([], 3) == ""


def test_last_item_is_joined_by_the_conjunction():
    assert join_and(NAMES[:1]) == "conv1"
    assert join_and(iter(NAMES[:2])) == "conv1 and pool1"
    assert join_or(NAMES[:3]) == "conv1, pool1 or conv2"


def test_noun_is_plural_unless_the_count_is_1():
    assert [counted(count, "image") for count in (0, 1, 2000)] == ["0 images", "1 image", "2,000 images"]


@pytest.mark.parametrize("last", [Message("kind"), "conv1"])
@pytest.mark.parametrize("count", range(5))
def test_every_message_of_a_list_is_translated(count, last):
    layers = Message("{count:,} layer(s)", count=2)
    items = [*[Message("parameters"), Message("kind"), layers, Message("parameters")][:count], last]
    chinese = ["参数", "类型", "2 层", "参数"][:count]
    chinese.append("类型" if last == "kind" else "conv1")
    head, tail = "、".join(chinese[:-1]), chinese[-1]
    with use_language("zh"):
        assert translate(listed(items)) == translate(shortened(items, 9)) == "、".join(chinese)
        assert translate(shortened(items, count)) == f"{head}、…" if count else "…"
        assert translate(join_and(items)) == (f"{head} 和 {tail}" if count else tail)
        assert translate(join_or(iter(items))) == (f"{head} 或 {tail}" if count else tail)


def test_long_list_is_no_deep_message():
    with use_language("zh"):
        assert translate(listed(["conv"] * 5000)).count("、") == 4999
