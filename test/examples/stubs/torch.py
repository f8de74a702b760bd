"""A stand-in for torch: the names that examples/python uses."""

bfloat16 = "bfloat16"
