"""Published zero-shot errors to read ours beside.

They are the mean squared errors of TTM-Base (512 points of context, arXiv 2401.03955), trained on
real series.
"""

TTM_BASE = {
    "ETTh1": {96: 0.364, 192: 0.386, 336: 0.404, 720: 0.424},
    "ETTh2": {96: 0.277, 192: 0.334, 336: 0.362, 720: 0.408},
    "ETTm1": {96: 0.322, 192: 0.376, 336: 0.407, 720: 0.439},
    "ETTm2": {96: 0.171, 192: 0.238, 336: 0.304, 720: 0.410},
    "Weather": {96: 0.158, 192: 0.206, 336: 0.256, 720: 0.328},
    "Electricity": {96: 0.166, 192: 0.191, 336: 0.207, 720: 0.255},
    "Traffic": {96: 0.514, 192: 0.544, 336: 0.575, 720: 0.622},
    "Exchange": {96: 0.116, 192: 0.253, 336: 0.428, 720: 0.954},
}
"""MSE by dataset and horizon."""
