"""The script commands of the guide (ARM*), one module each; see impl/docs/script-commands.md."""
