# Everything a newcomer runs. `make demo` and `make test` do all set-up themselves.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# Tests wait more than they work, so there are more at a time than two cores; those in a browser
# work, and have a turn of their own. A file's tests stay together, for they share its servers.
# What measures pictures (marked "alone") comes last, by itself.
WORKERS ?= 3
BROWSERS ?= 2
TOGETHER := --dist loadfile --no-loadscope-reorder
ifdef ARGS
tests = $(1) $(ARGS)
else
tests = failed=0; \
	$(1) -n $(WORKERS) $(TOGETHER) --ignore=tests/browser || failed=1; \
	$(1) -n $(BROWSERS) $(TOGETHER) -m "not alone" tests/browser || failed=1; \
	$(1) -m alone tests/browser || failed=1; \
	exit $$failed
endif

.PHONY: help demo serve test check lint lock chromium ffmpeg clean
help:
	@echo "make demo    set up, then the server with a live demo event (ARGS='--lan' for phones)"
	@echo "make serve   set up, then the server with config.toml"
	@echo "make test    set up, then every test, several at a time (ARGS='tests/rtmp' for some)"
	@echo "make check   formatting, lint, types and tests with branch coverage"
	@echo "make lock    resolve requirements.lock anew from pyproject.toml"

demo: $(READY)
	$(BIN)/streamd demo $(ARGS)

serve: $(READY)
	$(BIN)/streamd serve $(ARGS)

test: $(READY) chromium ffmpeg
	@$(call tests,$(BIN)/pytest)

check: lint chromium ffmpeg
	$(BIN)/coverage erase
	@$(call tests,$(BIN)/coverage run -m pytest)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --skip-covered --sort=cover

lint: $(READY)
	$(BIN)/ruff format --check streamd polling loadtests tests
	$(BIN)/ruff check streamd polling loadtests tests
	$(BIN)/mypy

lock: $(READY)
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --extra test --extra dev --universal --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" -q -o requirements.lock

# One stamp: the second run installs nothing.
$(READY): requirements.lock pyproject.toml
	@sh deploy/venv.sh $(PYTHON) .venv
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

chromium:
	@sh deploy/chromium.sh

ffmpeg:
	@sh deploy/ffmpeg.sh

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis artefacts
