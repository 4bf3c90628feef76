# Two commands do everything, their own set-up included: make demo, make test.
# Two virtual machines: make vms-setup once, make vms, make vms-shell, make vms-down (harness/README.md).
# make demo ARGS="--repeat 10 --seed 7"; make test STAGES="lint unit"

.PHONY: setup demo test lint unit pair conformance perf clean box vms vms-setup vms-shell vms-down

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

# The machines' own needs: Debian packages (as root) and the extra "vms"; `make test` needs none of them.
vms-setup: setup
	@bash harness/vagrant/setup.sh

box: setup
	@.venv/bin/python -m harness.vagrant.box

vms: setup
	@.venv/bin/python -m harness.vagrant.vms up

vms-down vms-shell: setup
	@.venv/bin/python -m harness.vagrant.vms $(@:vms-%=%) $(ARGS)

clean:
	@[ ! -x .venv/bin/twinset-lab ] || .venv/bin/twinset-lab clean
	@rm -rf .venv .ci/state artefacts .mypy_cache .ruff_cache .pytest_cache
