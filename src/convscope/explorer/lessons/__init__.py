"""Guided lessons: text files whose numbers and answers the library computes."""

from .library import LessonLibrary
from .text import LessonText, read_lesson

__all__ = ["LessonLibrary", "LessonText", "read_lesson"]
