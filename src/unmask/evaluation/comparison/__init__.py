"""Two detectors on the same test rows, and the rule that says whether one takes the other's place."""
