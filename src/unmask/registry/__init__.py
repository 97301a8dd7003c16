"""Which models there are and which of them serves: versions and stages as git tags, kept by gto."""
