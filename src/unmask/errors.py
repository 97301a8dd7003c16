"""The errors a user can meet; each message is one line that names the culprit and the remedy."""


class UnmaskError(Exception):
    """Anything a user can mend; printed as one line, without a traceback."""


class ConfigError(UnmaskError):
    """params.yaml has an unknown, missing or wrongly typed key."""


class DataError(UnmaskError):
    """An input file is missing, damaged or not what its schema says."""


class TooLargeError(DataError):
    """A file is whole for all we know, and above a limit of bytes or pixels."""


class ResourceError(DataError):
    """Memory ran out over a file: that says nothing about the file, which may be whole and may be read next time."""


class GateError(UnmaskError):
    """A hard expectation failed; training must not start."""


class TrainingError(UnmaskError):
    """Training can't go on, for instance because a loss is not finite."""
