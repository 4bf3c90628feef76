from pathlib import Path

import pytest

from harness import topology
from harness.artefacts import Artefacts
from harness.labs import pair, state
from harness.labs.namespaces import Lab
from twinset import config


def lab_on_paper(tmp_path: Path, data_partitions: int = 1) -> Lab:
    """A lab with images and no processes: enough to write a configuration for."""
    from harness.faults.disk import create_image

    mark = state.ProcessMark(1, 0)
    body = state.LabState("000000", tmp_path, topology.default(), 0.1, volatile_cache=True, owner=mark)
    lab = Lab(body, Artefacts(tmp_path / "artefacts"), 1, data_partitions)
    for server in lab.servers:
        create_image(server.disk.image, 64, 1, data_partitions)
    return lab


@pytest.mark.parametrize("data_partitions", [1, 3])
def test_the_labs_configuration_breaks_no_rule(tmp_path: Path, data_partitions: int) -> None:
    """What the lab writes for its servers is accepted by twinset check without a finding."""
    text = pair.configuration(lab_on_paper(tmp_path, data_partitions), scripts=[("/etc/a", "/etc/b")])
    assert config.check_text(text) == []


def test_options_reach_their_tables(tmp_path: Path) -> None:
    """Tests vary the configuration by table, without text surgery."""
    lab = lab_on_paper(tmp_path)
    text = pair.configuration(
        lab,
        cluster={"auto_return": True},
        timing={"lease_s": 20},
        set_options={"fastsync": False},
        group_options={"failback": True},
    )
    for line in ("auto_return = true", "lease_s = 20", "fastsync = false", "failback = true"):
        assert line in text.splitlines()
    assert config.check_text(text) == []
