"""DRBD as a peer: its configuration and what it says."""

from perf.peers import drbd

# /proc/drbd of 8.4 while two blank sides meet, and after their sides were declared equal.
BLANK = """version: 8.4.11 (api:1/proto:86-101)
srcversion: 7C0DD1D4C5B4D2A5B8D3D3E
 0: cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent C r-----
    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:524252
"""
EQUAL = BLANK.replace("Inconsistent/Inconsistent", "UpToDate/UpToDate").replace("Secondary/S", "Primary/S")


def test_the_resource_names_disk_protocol_and_both_ends() -> None:
    """Protocol C over the given disk, with every tuned option in its section and an address for each server."""
    text = drbd.configuration("/dev/vdc", {"server1": "10.10.10.1", "server2": "10.10.10.2"})
    assert "  protocol C;" in text
    assert "  disk /dev/vdc;" in text
    assert "  on server2 { address 10.10.10.2:7789; }" in text
    for key, value in {**drbd.NET, **drbd.DISK}.items():
        assert f"    {key} {value};" in text
        assert f"{key} {value}" in drbd.tuning()
    assert text.count("{") == text.count("}")


def test_flushes_are_left_on() -> None:
    """Nothing is tuned that would make a power cut lose what was acknowledged."""
    assert not {"disk-flushes", "disk-barrier", "md-flushes"} & drbd.DISK.keys()


def test_its_state_is_read_from_the_kernel() -> None:
    """Connection, roles and disks of the first device; whole only when connected and equal; no device, no state."""
    blank, equal = drbd.state(BLANK), drbd.state(EQUAL)
    assert blank == drbd.State("Connected", "Secondary/Secondary", "Inconsistent/Inconsistent")
    assert blank is not None
    assert not blank.whole
    assert equal is not None
    assert equal.whole
    assert drbd.state("version: 8.4.11\n") is None
