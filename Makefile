# make        the environment, if it is missing, broken or older than requirements.txt, then where you stand
# make test   the same environment, then the test suite
PYTHON ?= python3
VENV = .venv/bin/python
READY = .venv/.ready

# What an environment's Python is, and whether all is installed in it (looked up, not imported).
KIND = import platform, sys; print(sys.version_info[:2], platform.machine())
WHOLE = from importlib.util import find_spec; assert all(map(find_spec, ("numpy", "pytest", "torch", "torchvision")))
WORKS = import sys; assert sys.version_info >= (3, 10); import numpy, pytest, torch, torchvision

# Only a PYTHON= that was asked for has to be that of .venv.
ifneq ($(origin PYTHON),file)
FITS = && test "$$($(VENV) -c '$(KIND)')" = "$$($(PYTHON) -c '$(KIND)')"
endif
ifneq ($(shell $(VENV) -c '$(WHOLE)' 2>/dev/null $(FITS) && echo yes),yes)
BROKEN = broken
endif

.PHONY: practice test broken

practice: $(READY)
	@$(VENV) -m practice

test: $(READY)
	@$(VENV) -m pytest tests/ -v

# .ready is touched last, so an install that failed is done again. An environment that already works
# (one you made yourself, with a CPU-only torch say) is kept; any other is built anew.
$(READY): requirements.txt $(BROKEN)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
	  { echo "This needs Python 3.10 or newer; \"$(PYTHON) -V\" says: `$(PYTHON) -V 2>&1`." \
	    "Name another one so: make PYTHON=python3.12"; exit 1; }
	@$(VENV) -c '$(WORKS)' 2>/dev/null $(FITS) || $(PYTHON) -m venv --clear .venv
	@if $(VENV) -m pip --version >/dev/null 2>&1 || $(VENV) -m ensurepip >/dev/null 2>&1; \
	  then $(VENV) -m pip install -r requirements.txt; \
	  else uv pip install --python $(VENV) -r requirements.txt; fi || \
	  { $(VENV) -m practice doctor; exit 1; }
	@touch $@
