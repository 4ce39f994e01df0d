"""The cases, by subject; each module is a list of calls of bed1.case()."""
