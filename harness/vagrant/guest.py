"""What lies in a machine besides packages and twinset itself: names and addresses of its networks. Pure.

Both the box and the provisioner of a public box put these files in place. One image serves every server: an
interface is found by its hardware address, and its name and address follow from that.
"""

from harness.topology import Topology

MANAGEMENT = "eth0"  # Vagrant's own network: the first card, which no test ever cuts
KERNEL_ARGUMENTS = "root=/dev/vda1 rw net.ifnames=0 mitigations=off console=tty0 console=ttyS0 panic=10"
MODULES = ("nbd",)  # loaded at boot
INITRAMFS_MODULES = ("virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "ext4")
MASKED = (
    "systemd-networkd-wait-online.service", "apt-daily.timer", "apt-daily-upgrade.timer", "man-db.timer",
    "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "logrotate.timer",
    "smbd.service", "nmbd.service", "samba-ad-dc.service", "postgresql.service", "nftables.service",
    "nbd-client.service", "drbd.service",
)  # fmt: skip


def mac(topology: Topology, lan: str, host: str) -> str:
    """The hardware address of a host's card on a LAN; QEMU's cards keep it over a power cut."""
    lans = [each.name for each in topology.lans]
    hosts = [each.name for each in topology.hosts]
    return f"02:7e:15:01:{lans.index(lan):02x}:{hosts.index(host):02x}"


def network_files(topology: Topology) -> dict[str, str]:
    """The files of systemd-networkd and udev, path -> text, for all servers of the topology at once."""
    directory = "etc/systemd/network"
    files = {
        f"{directory}/10-management.network": f"[Match]\nName={MANAGEMENT}\n\n[Network]\nDHCP=ipv4\n"
        "LinkLocalAddressing=no\n\n[DHCPv4]\nClientIdentifier=mac\nUseDomains=no\n"
    }
    servers = [server.name for server in topology.servers]
    for lan in topology.lans:
        ends = [name for name in servers if name in lan.addresses]
        cards = " ".join(mac(topology, lan.name, name) for name in ends)
        files[f"{directory}/20-{lan.name}.link"] = f"[Match]\nMACAddress={cards}\n\n[Link]\nName={lan.name}\n"
        for name in ends:
            files[f"{directory}/20-{lan.name}-{name}.network"] = (
                f"[Match]\nMACAddress={mac(topology, lan.name, name)}\n\n"
                # A pulled cable takes no address away, nor does its return reset what twinset has added.
                "[Link]\nRequiredForOnline=no\n\n[Network]\nConfigureWithoutCarrier=yes\nIgnoreCarrierLoss=yes\n"
                f"LinkLocalAddressing=no\nIPv6AcceptRA=no\nAddress={lan.addresses[name]}\n"
            )
    return files


def provisioned(topology: Topology) -> dict[str, str]:
    """The files that a public box gets as well: its own boot loader, users and disks stay as they are."""
    wanted = ("etc/systemd/network/20-", "etc/modules-load.d/", "etc/systemd/system.conf.d/")
    return {name: text for name, text in files(topology).items() if name.startswith(wanted)}


def files(topology: Topology) -> dict[str, str]:
    """Every file, path below the root -> text."""
    hosts = {name: address.partition("/")[0] for name, address in next(iter(topology.lans)).addresses.items()}
    return {
        **network_files(topology),
        "etc/modules-load.d/twinset.conf": "".join(f"{module}\n" for module in MODULES),
        "etc/fstab": "/dev/vda1 / ext4 defaults,noatime,errors=remount-ro 0 1\n",
        "etc/hostname": "twinset\n",
        "etc/hosts": "127.0.0.1 localhost\n" + "".join(f"{ip} {name}\n" for name, ip in hosts.items()),
        "etc/sudoers.d/vagrant": "vagrant ALL=(ALL) NOPASSWD: ALL\n",
        "etc/ssh/sshd_config.d/vagrant.conf": "UseDNS no\nGSSAPIAuthentication no\nPermitRootLogin prohibit-password\n",
        "etc/systemd/journald.conf.d/twinset.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n",
        "etc/systemd/system.conf.d/twinset.conf": "[Manager]\nDefaultTimeoutStopSec=20s\n",
        "boot/grub/grub.cfg": (
            f"set timeout=0\nlinux /vmlinuz {KERNEL_ARGUMENTS}\ninitrd /initrd.img\nboot\n"
        ),
    }
