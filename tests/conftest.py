from hypothesis import HealthCheck, settings

# A slow machine is no failure, and a test that passed once must pass again.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("steady")
