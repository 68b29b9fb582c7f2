"""How long the model runs."""


def pytest_addoption(parser):
    parser.addoption(
        "--model-minutes",
        type=float,
        default=0.0,
        help="run each model with new random sequences for this number of minutes instead of the repeatable ones",
    )
