"""Evaluation protocols: the pipeline run several times, each time with other generators kept unseen, in one table."""
