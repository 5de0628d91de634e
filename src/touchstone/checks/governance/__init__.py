"""Whether the people a system affects are treated alike, and whether its decisions can be accounted for.

Only tests that measure effects on people live here. Cases, committees and risk registers are not tests and may not
enter.
"""
