"""What whoever asked may be told: errors whose message is a sentence that says what to do. Anything else is a fault of ours."""

_MOST = 6  # names in a sentence


def some_of(names):
    """Names with commas between, for a sentence: of many a few, and how many more there are."""
    names = list(names)
    return ", ".join(names) if len(names) <= _MOST + 1 else f"{', '.join(names[:_MOST])} and {len(names) - _MOST} more"


class ExplorerError(Exception):
    """The base of what the page, the command line and the API show as it stands."""

    def __str__(self):  # KeyError would put the sentence into quotation marks
        return str(self.args[0]) if self.args else ""


class UnknownName(ExplorerError, KeyError):
    """There is nothing of this name; the message names what there is."""


class InputError(ExplorerError, ValueError):
    """A shape, number, label or option that does not fit; the message says what was expected and what came."""


class NotSupported(ExplorerError, NotImplementedError):
    """Something that this model cannot do, such as encode; the message says why."""


class CheckpointError(ExplorerError, RuntimeError):
    """A model's file is missing, is not what was shipped, or says what no model can be; the message names file and remedy."""


class PromptCut(UserWarning):
    """A prompt is longer than its model reads; the message names the last word that was read, and what was cut off."""


class TooMany(ExplorerError, RuntimeError):
    """More people want something at once than can be served."""
