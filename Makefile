# Two commands do everything, their own set-up included: make demo, make test.
# make demo ARGS="--repeat 10 --seed 7"; make test STAGES="lint unit"

.PHONY: setup demo test lint unit pair conformance perf clean

setup:
	@bash .ci/setup

demo: setup
	@.venv/bin/python -m harness.demo $(ARGS)

test: setup
	@.venv/bin/python .ci/stages.py $(STAGES)

lint unit pair conformance: setup
	@.venv/bin/python .ci/stages.py $@

perf: setup
	@.venv/bin/python -m perf $(ARGS)

clean:
	@[ ! -x .venv/bin/twinset-lab ] || .venv/bin/twinset-lab clean
	@rm -rf .venv .ci/state artefacts .mypy_cache .ruff_cache .pytest_cache
