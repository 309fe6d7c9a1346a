"""The documentation hangs together: navigation, links, and a place for every public name."""

import re
from pathlib import Path

import click
import pytest
import yaml

import convscope
from convscope import errors, layers
from convscope.cli.group import convscope as group
from docs.check_site import requests
from docs.pages import DOCS, PAGES, README, READMES, ROOT, anchors, commands, links, relative

SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
OTHER_PAGES = [*READMES, ROOT / "CONTRIBUTING.md", ROOT / "LICENSES.md", ROOT / "CHANGELOG.md"]


def in_navigation(entries):
    for entry in entries:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        if isinstance(value, list):
            yield from in_navigation(value)
        else:
            yield DOCS / value


def test_every_page_is_in_the_navigation():
    assert sorted(in_navigation(SITE["nav"])) == PAGES


@pytest.mark.parametrize("page", [*OTHER_PAGES, *PAGES], ids=relative)
def test_links_resolve(page):
    """Files exist, and pages have the headings that links name; the site does not link out of its folder."""
    for target, anchor in links(page):
        assert target.exists(), f"{relative(page)}: {target}"
        if anchor:
            assert anchor in anchors(target), f"{relative(page)}: {target.name}#{anchor}"
        if page.is_relative_to(DOCS):
            assert target.is_relative_to(DOCS), f"{relative(page)}: {target} is not part of the site"


@pytest.mark.parametrize("start", [README, DOCS / "index.md"], ids=relative)
def test_every_page_is_reachable(start):
    reached, waiting = set(), [start]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [target for target, _ in links(page)]
    assert set(PAGES) <= reached, sorted(map(relative, set(PAGES) - reached))


def test_every_verb_has_a_page():
    verbs = set(group.list_commands(None))
    assert {verb for verb in verbs if not (DOCS / "how-to" / f"{verb}.md").exists()} == set()


def documented():
    """Return the names that the reference renders from docstrings."""
    text = "".join(page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md"))
    return set(re.findall(r"^::: convscope\.([\w.]+)$", text, re.MULTILINE))


def test_every_public_name_is_in_the_reference():
    assert {*convscope.__all__} - {"layers"} <= documented()


def test_every_layer_is_in_the_reference():
    """Layers over a number of axes are shown with their family."""
    families = {re.sub(r"(?<=[a-z])[123]d$", "", name) for name in layers.__all__}
    assert {f"layers.{name}" for name in families} <= documented()


def test_every_error_is_in_the_reference():
    kinds = {
        kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)
    }
    assert {f"errors.{kind}" for kind in kinds - {"ConvscopeError"}} <= documented()


def test_documented_names_exist():
    for name in documented():
        value = convscope
        for part in name.split("."):
            value = getattr(value, part)


def test_the_site_fetches_nothing():
    """No web fonts, and no scripts or styles of other servers."""
    assert SITE["theme"]["font"] is False
    for key in ("extra_css", "extra_javascript"):
        assert not any("//" in address for address in SITE.get(key, []))
    assert [Path(DOCS / script).exists() for script in SITE["extra"]["polyfills"]] == [True]


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://example.org/a.js"></script>',
        '<link rel="stylesheet" href="//example.org/a.css">',
        "<style>@import url(https://example.org/font.css)</style>",
        '<img src="http://example.org/a.png">',
    ],
)
def test_requests_to_other_servers_are_found(html, tmp_path):
    page = tmp_path / "index.html"
    page.write_text(f'<a href="https://example.org">fine</a>{html}', "utf-8")
    assert len(requests(tmp_path)) == 1


TRANSLATED = [page for page in [*READMES, *PAGES] if page.name.endswith(".zh.md") and commands(page)]


@pytest.mark.parametrize("page", TRANSLATED, ids=relative)
def test_translations_show_the_same_commands(page):
    """In the same order; a README may leave some out."""
    original = iter(commands(page.with_name(page.name.replace(".zh", ""))))
    assert all(any(line.replace(" --lang zh", "") == other for other in original) for line in commands(page))


@pytest.mark.parametrize("folder", ["tutorials", "lessons"])
def test_every_page_of_these_folders_is_translated(folder):
    """Both languages link to each other."""
    pages = set((DOCS / folder).glob("*.md"))
    chinese = {page for page in pages if page.name.endswith(".zh.md")}
    assert {page.with_suffix(".zh.md") for page in pages - chinese} == chinese
    for page in pages - chinese:
        other = page.with_suffix(".zh.md")
        assert other in {target for target, _ in links(page)}, relative(page)
        assert page in {target for target, _ in links(other)}, relative(other)


PATHS = re.compile(r"`((?:src|tests|docs|benchmarks)/[\w./-]*\w/?)`")


@pytest.mark.parametrize("page", [*OTHER_PAGES[:-1], *PAGES], ids=relative)
def test_paths_exist(page):
    """Files and folders of the repository that a page names; capitals are placeholders."""
    named = PATHS.findall(page.read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists() and not re.search(r"[A-Z]{3}", path)] == []


def test_contributing_lists_folders_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.split("| folder | contains |")[1].split("\n\n")[0]
    listed = {
        name
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`([\w.]+)/?`", row)
    }
    source = ROOT / "src" / "convscope"
    assert listed <= {path.name for path in source.iterdir()}
    assert {path.name for path in source.iterdir() if (path / "__init__.py").exists()} <= listed


EVERYWHERE = {"--help", "--version", "--input", "--arg", "--json", "--lang"}
"""Options that docs/how-to/index.md explains for all commands."""


def options(command):
    """Return the options of a command and of its subcommands; each with all its names."""
    subcommands = getattr(command, "commands", {}).values()
    own = [set(parameter.opts) for parameter in command.params if isinstance(parameter, click.Option)]
    return [*own, *(names for one in subcommands for names in options(one))]


@pytest.mark.parametrize("verb", group.list_commands(click.Context(group)))
def test_every_option_is_on_the_page_of_its_verb(verb):
    page = DOCS / "how-to" / f"{verb}.md"
    text = "".join(
        one.read_text("utf-8") for one in [page, *([page.with_name("plan.md")] if verb == "inspect" else [])]
    )
    command = group.get_command(click.Context(group), verb)
    missing = [names for names in options(command) if not names & EVERYWHERE and not any(n in text for n in names)]
    assert missing == []


def test_common_options_are_explained_once():
    text = (DOCS / "how-to" / "index.md").read_text("utf-8")
    assert [name for name in sorted(EVERYWHERE - {"--version"}) if f"`{name}" not in text] == []
