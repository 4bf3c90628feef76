"""3.1.1: uni-directional standby has one group for an application."""

import pytest

from conformance.suite import config as make
from conformance.suite.cases import clause
from conformance.suite.config import Config
from conformance.suite.static import Static


def with_applications(form: str, *applications: str) -> Config:
    """A good configuration of that operation form, with a group for each of these applications."""
    config = make.good()
    config["cluster"]["operation_form"] = form
    config["groups"] = [
        make.group(f"group{n}", make.script(), application=name)
        for n, name in enumerate(applications, start=1)
    ]
    return config


@pytest.mark.needs("operation_forms")
@clause("3.1.1-01")
def test_an_application_has_one_group_in_uni_directional_standby(static: Static) -> None:
    """Two groups of one application are refused with E_LIMIT, in any case of its name; two groups of two applications
    are not, nor two of one where standby is multi-directional.
    """
    for names in (("sales", "sales"), ("sales", "SALES"), ("stock", "sales", "sales")):
        config = with_applications("uni-directional", *names)
        static.refuses("3.1.1-01", f"groups of {', '.join(names)}", config, "E_LIMIT")
    static.accepts("3.1.1-01", "one group", with_applications("uni-directional", "sales"))
    static.accepts("3.1.1-01", "two applications", with_applications("uni-directional", "sales", "stock"))
    both = with_applications("multi-directional", "sales", "sales")
    static.accepts("3.1.1-01", "one application in multi-directional standby", both)
