"""What has to hold after every step of the simulated pair, one file each."""

from .difference import difference_is_covered
from .equal import equal_when_in_step
from .one_serves import at_most_one_serves

INVARIANTS = (at_most_one_serves, difference_is_covered, equal_when_in_step)
