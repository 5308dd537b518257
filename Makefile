# make        the environment, if it is missing or older than requirements.txt, then where you stand
# make test   the same environment, then the test suite
PYTHON ?= python3
VENV = .venv/bin/python
READY = .venv/.ready

.PHONY: practice test

practice: $(READY)
	@$(VENV) -m practice

test: $(READY)
	@$(VENV) -m pytest tests/ -v

# .ready is touched last, so an install that failed is done again. An environment that already works
# (one you made yourself, with a CPU-only torch say) is kept; any other is built anew.
$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
	  { echo "This needs Python 3.10 or newer; \"$(PYTHON) -V\" says: `$(PYTHON) -V 2>&1`." \
	    "Name another one so: make PYTHON=python3.12"; exit 1; }
	@$(VENV) -c 'import sys; assert sys.version_info >= (3, 10); import numpy, pytest, torch, torchvision' \
	  2>/dev/null || $(PYTHON) -m venv --clear .venv
	$(VENV) -m pip install -r requirements.txt
	@touch $@
