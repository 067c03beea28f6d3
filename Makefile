# Set-up, the default benchmark, tests and checks.  `make reproduce` and `make test` do their own set-up.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
SETUP := .venv/installed

.PHONY: setup reproduce test speed lint lock clean

setup: $(SETUP)

$(SETUP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "genbench: error: $(PYTHON) is too old; expected Python 3.11 or newer (make PYTHON=python3.12 …)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# All cores, through Snakemake; then DVC knows every stage that is proven, as `dvc repro` would have left it.  What fails
# does not stop the rest, and is named at the end with the reason.
reproduce: $(SETUP)
	@genbench check
	@echo "Looking at what is up to date …"
	@genbench sync --strict > /dev/null || if snakemake --cores all --keep-going; then genbench sync --strict; \
		else genbench show; genbench sync | head -n 1; exit 1; fi
	@genbench show

# Many tests wait for processes of their own: three workers keep two cores busy.
test: $(SETUP)
	pytest -n 3 --dist worksteal

# Speed beside other implementations and beside the least that there is to do; ten minutes on an idle machine.
speed: $(SETUP)
	python benchmarks/speed/scores.py
	python benchmarks/speed/loops.py
	python benchmarks/speed/dcgan.py
	python benchmarks/speed/autoregressive.py
	python benchmarks/speed/frechet.py --dim 512 --rows 3000
	python benchmarks/speed/nearest.py --queries 2000 --train 10000
	python benchmarks/speed/training.py --device cpu --steps 20
	python benchmarks/speed/faces.py --images 5000
	python benchmarks/speed/startup.py --rounds 1
	python benchmarks/speed/noop.py

lint: $(SETUP)
	ruff check
	ruff format --check
	mypy
	lint-imports --no-cache --no-logo
	snakefmt --check workflow
	$(PYTHON) tests/lint_workflow.py

# The lock is resolved for every supported Python and platform at once; torch and torchvision are a matched pair.
lock:
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/pip install --quiet uv
	.venv/lock/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		--extra dev --extra cluster --custom-compile-command "make lock" --constraint constraints.txt \
		--output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .snakemake .pytest_cache .mypy_cache .ruff_cache
