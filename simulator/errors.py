"""What can go wrong in the pretend region."""


class SimulatorError(Exception):
    """The simulator cannot do what was asked; the message is a sentence for people."""


class AwsError(SimulatorError):
    """A refusal with the code that EC2 uses for it.

    Attributes:
        code: EC2's error code, such as ``InsufficientInstanceCapacity``.
        status: The HTTP status that goes with it.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class AnswerLost(SimulatorError):
    """A fault that was ordered: the call was carried out, the answer never arrives."""
