"""Luma and colour differences of red, green and blue by ITU-R BT.601, full range, as JPEG has them."""

LUMA = (0.299, 0.587, 0.114)
CB = (-0.168736, -0.331264, 0.5)
CR = (0.5, -0.418688, -0.081312)
