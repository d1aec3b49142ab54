"""Series with cycles and without."""

import math

import torch

T = 512


def wave(period, length=T):
    return torch.sin(2 * math.pi * torch.arange(float(length)) / period)


def noise(seed=0):
    return torch.randn(T, generator=torch.Generator().manual_seed(seed))
