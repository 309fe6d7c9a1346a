"""Topics: what a lesson is called, what it takes, and the registry, which finds every module of `topics`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ..derivations.derivation import Text
from ..errors import BadSetting, suggest
from .lesson import Lesson
from .options import Option


class Chapter(Enum):
    """Chapters, in teaching order."""

    ACTIVATION = Text("Activation functions", "激活函数")
    CONVOLUTION = Text("Convolution", "卷积")
    POOLING = Text("Pooling", "池化")
    NETWORK = Text("Whole networks", "完整的网络")
    TRAINING = Text("Training", "训练")
    ERRATA = Text("Mistakes", "常见错误")


@dataclass(frozen=True)
class Topic:
    """A topic of the laboratory.

    `teach` returns the lesson; its keyword parameters are the names of the options, each with a default.
    `example` is a command line without `convscope lab`. `about` is the line in the list of topics.
    """

    name: str
    chapter: Chapter
    about: Text
    teach: Callable[..., Lesson]
    options: tuple[Option, ...]
    example: str


@cache
def list_topics() -> dict[str, Topic]:
    """Return every topic by name, in teaching order; a module of `topics` is registered by its TOPIC."""
    package = import_module(f"{__package__}.topics")
    found = [import_module(f"{package.__name__}.{module.name}").TOPIC for module in iter_modules(package.__path__)]
    chapters = list(Chapter)
    ordered = sorted(found, key=lambda topic: (chapters.index(topic.chapter), topic.name))
    return {topic.name: topic for topic in ordered}


def teach(topic: str, **options: Any) -> Lesson:
    """Return the lesson on a topic, with your own numbers where you pass them.

    Options are those of `convscope lab TOPIC`; `x` is its --input, `kernels` a list.

    Errors:   BadSetting [lab-topic]; those of the topic

    >>> teach("max-pooling", x=[[1, 5], [3, 2]])["output"]
    array([[5.]])
    """
    known = list_topics()
    if topic not in known:
        raise BadSetting("There is no topic {name!r}. {hint} [lab-topic]", name=topic, hint=suggest(topic, known))
    return known[topic].teach(**options)
