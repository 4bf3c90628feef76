"""Two servers as virtual machines: their box, what the Vagrantfile reads, and where libvirt runs."""
