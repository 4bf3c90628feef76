"""The guide's advice as a check list: what a machine can look at, and what a person has to. Pure."""
