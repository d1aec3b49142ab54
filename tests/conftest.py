import os

from hypothesis import HealthCheck, settings

# A slow machine is no failure, and a test that passed once must pass again.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
# make fuzz: as many inputs as one wishes, others for every seed.
settings.register_profile(
    "fuzz",
    settings.get_profile("steady"),
    derandomize=False,
    database=None,
    max_examples=int(os.environ.get("INPUTS", "100")),
)
settings.load_profile("steady")
