"""Registry keys that follow their group (6.2.7): the content of a store, and the versions of an exported key. Pure."""
