"""The one exception that a user is meant to read."""


class AugcamError(Exception):
    """Bad input, said in sentences: which file or key, what is wrong, what would be right."""


class BrokenImage(AugcamError):
    """An image file that cannot be decoded, and that `dataset.broken: skip` leaves out."""
