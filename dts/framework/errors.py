"""What can go wrong in a run, told apart so that a report can tell it apart."""


class LabError(Exception):
    """The lab itself could not do something: a namespace, a tool, a process."""


class VerifyError(Exception):
    """A test case looked at the appliance and did not see what it must see."""


class SkipCase(Exception):
    """A test case cannot run here; its text says what is missing."""
