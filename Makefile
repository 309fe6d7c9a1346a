# Every target installs what it needs. `make help` lists all targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.DEFAULT_GOAL := help
.PHONY: help setup demo explore test test-browser test-frameworks torture check check-page fix docs bench golden dist clean

help: ## list all targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 17

$(VENV)/.core: pyproject.toml
	@echo "setting up $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade "pip>=25.1"
	@$(PIP) install -e ".[plot,data,explore]"
	@touch $@

$(VENV)/.dev: $(VENV)/.core pyproject.toml
	@echo "installing development tools and peer frameworks …"
	@$(PIP) install --group dev --group peers
	@touch $@

setup: $(VENV)/.dev ## create .venv with everything that development and tests need

demo: $(VENV)/.core ## inspect AlexNet, draw a receptive field, train LeNet-5 on handwritten digits, look inside it
	@rm -rf out/lenet-digits && mkdir -p out
	$(BIN)/convscope inspect alexnet
	$(BIN)/convscope field alexnet pool5 --at 3,2 --save out/alexnet-pool5.png
	$(BIN)/convscope plot field alexnet --save out/alexnet-growth.png
	$(BIN)/convscope train lenet --data digits --resize 28 --epochs 25 --optimizer adam --lr 0.003 \
	  --schedule cosine --augment "shift=2,rotate=8" --run out/lenet-digits
	$(BIN)/convscope evaluate out/lenet-digits --save out/digits-mistakes.png
	$(BIN)/convscope plot kernels out/lenet-digits --save out/digits-kernels.png
	@$(BIN)/python -c "import convscope as cs; from PIL import Image; \
	  image = cs.load_data('digits', 'test').batch([3])[0][0, 0]; \
	  Image.fromarray((255 * image).astype('uint8')).resize((28, 28), Image.Resampling.BICUBIC).save('out/digit.png')"
	$(BIN)/convscope attribute out/lenet-digits out/digit.png --target 3 --target 8 --layer conv2 --save out/digit-grad-cam.png
	$(BIN)/convscope plot strongest out/lenet-digits conv2 --data digits --resize 28 --save out/digits-strongest.png
	@echo "Figures: out/alexnet-pool5.png, out/alexnet-growth.png, out/lenet-digits/curves.png,"
	@echo "         out/digits-mistakes.png, out/digits-kernels.png, out/digit-grad-cam.png, out/digits-strongest.png"
	@echo "Next:    make explore"

explore: $(VENV)/.core ## open the explorer on a trained LeNet: the one of `make demo`, or the bundled one
	$(BIN)/convscope explore $(patsubst %/run.json,%,$(wildcard out/lenet-digits/run.json))

test: check ## run `check` and all tests
	$(BIN)/python -m pytest -n auto

# Model collections and attributions to test against. torchvision has no build for every PyTorch version, so all are unpacked without
# their dependencies, and their models run as plain Python. Without a package registry the target fails, as `setup`
# does: skipped tests could be mistaken for passed ones.
MODELS := torchvision==0.29.2 timm==1.0.31 captum==0.9.0
build/models/.made: $(VENV)/.dev Makefile
	@echo "unpacking $(MODELS) …"
	@rm -rf build/models
	@$(PIP) install --no-deps --target build/models $(MODELS) || \
	  { echo "make test-frameworks needs $(MODELS) from the package registry" >&2; exit 1; }
	@touch $@

# Keras' other backends, with the Keras version of the other tests. They need other versions of some packages than
# .venv has, so they are installed in a folder of their own with all dependencies (2 GB).
BACKENDS := jax==0.10.2 tensorflow-cpu==2.21.0 $(shell grep -o 'keras==[0-9.]*' pyproject.toml)
build/backends/.made: $(VENV)/.dev Makefile
	@echo "installing $(BACKENDS) …"
	@rm -rf build/backends
	@$(PIP) install --target build/backends $(BACKENDS) || \
	  { echo "make test-frameworks needs $(BACKENDS) from the package registry" >&2; exit 1; }
	@touch $@

test-frameworks: setup build/models/.made build/backends/.made ## longer tests: all torchvision models, every timm family, Keras on JAX and TensorFlow, Captum
	CONVSCOPE_FRAMEWORKS=1 CONVSCOPE_MODEL_CODE=build/models CONVSCOPE_BACKENDS=build/backends \
	  $(BIN)/python -m pytest tests/interop tests/inside/test_captum.py tests/inside/test_torchvision.py -n auto

test-browser: setup ## the explorer's tests, which need Chromium; `test` skips those that need it where it is missing
	CONVSCOPE_BROWSER=1 $(BIN)/python -m pytest tests/explorer -n auto

torture: setup ## longer fault-injection tests (docs/explanation/reliability.md)
	CONVSCOPE_TORTURE=1 $(BIN)/python -m pytest -n auto -m torture

check: setup ## check formatting, lint and types
	$(BIN)/ruff format --check -q
	$(BIN)/ruff check -q
	$(BIN)/mypy
	@if command -v npm >/dev/null; then $(MAKE) -s check-page; else echo "no npm: the explorer's page is not checked"; fi

PAGE_TOOLS := typescript@5.9.3 @biomejs/biome@2.6.8
build/node/.made: Makefile
	@rm -rf build/node && mkdir -p build/node
	@npm install --silent --no-save --no-package-lock --no-audit --no-fund --prefix build/node $(PAGE_TOOLS)
	@touch $@

check-page: build/node/.made ## check types and lint of the explorer's page, and test its modules (needs npm)
	build/node/node_modules/.bin/tsc -p tsconfig.json
	build/node/node_modules/.bin/biome lint --error-on-warnings
	node --import ./tests/page/modules.mjs --test --test-reporter=dot tests/page/

fix: setup ## format, and apply automatic fixes
	$(BIN)/ruff check -q --fix
	$(BIN)/ruff format -q

$(VENV)/.docs: $(VENV)/.core pyproject.toml
	@echo "installing the documentation tools …"
	@$(PIP) install --group docs
	@touch $@

docs: $(VENV)/.docs ## build the documentation site in build/site; broken links are errors
	$(BIN)/zensical build --strict --clean
	$(BIN)/python tests/docs/check_site.py build/site

bench: setup ## run the benchmark behind every speed claim
	$(BIN)/python benchmarks/report_speed.py
	$(BIN)/python benchmarks/linear_cost.py
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/loops_im2col.py
	$(BIN)/python benchmarks/import_torch.py
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/digits_accuracy.py

golden: setup ## rewrite golden outputs and documentation samples; review the diff before committing
	CONVSCOPE_GOLDEN=write $(BIN)/python -m pytest tests/cli tests/render tests/docs -q

$(VENV)/.dist: $(VENV)/.core pyproject.toml
	@echo "installing the distribution tools …"
	@$(PIP) install --group dev --group dist
	@touch $@

dist: $(VENV)/.dist ## build and check sdist and wheel; run the README samples against the wheel
	@for files in github-workflows:".github/workflows/*.yml" github-actions:action.yml dependabot:.github/dependabot.yml \
	  github-issue-forms:".github/ISSUE_TEMPLATE/*.yml" citation-file-format:CITATION.cff; do \
	  $(BIN)/check-jsonschema --builtin-schema vendor.$${files%%:*} $${files#*:} || exit 1; done
	@rm -rf dist
	@mkdir -p build
	$(BIN)/python -m build --outdir dist >build/dist.log || { cat build/dist.log >&2; exit 1; }
	$(BIN)/twine check --strict dist/*
	CONVSCOPE_DIST=dist $(BIN)/python -m pytest tests/distribution

clean: ## remove generated files
	rm -rf $(VENV) out .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache build dist
