"""How the verdict bears what happens to a picture on its way: degraded before it is cropped, held against clean."""
