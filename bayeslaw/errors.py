"""Every error and warning of the package, each also the builtin a caller would catch."""


class BayeslawError(Exception):
    """Something the caller can put right; the message says how."""


class RunsError(BayeslawError, ValueError):
    """A runs table, or a quantity inside it, cannot be used as given."""


class LawError(BayeslawError, TypeError):
    """A law is declared inconsistently or asked for something it does not have."""


class SpecError(BayeslawError, ValueError):
    """A model specification contradicts itself or names an unknown choice."""


class FitError(BayeslawError, RuntimeError):
    """A posterior could not be computed or cannot be trusted."""


class TargetError(BayeslawError, ValueError):
    """A forecast target is incomplete or out of range."""


class DataError(BayeslawError, OSError):
    """A registered data set is missing, unreachable or does not match its checksum."""


class FileError(BayeslawError, OSError):
    """A result cannot be written, or is not what was written."""


class PoolError(BayeslawError, RuntimeError):
    """Workers cannot be reached, differ from this process, or keep dying."""


class BayeslawWarning(UserWarning):
    """Parent of every warning this package raises."""


class ConvergenceWarning(BayeslawWarning):
    """The sampler's diagnostics leave the posterior in doubt."""


class ExtrapolationWarning(BayeslawWarning):
    """A forecast lies far beyond the compute that was observed."""
