"""A front end for tests: it keeps what it is told and asked, answers as it was set up to, and may cancel."""

from collections.abc import Callable, Mapping

from roarm_lab.workflows.frontend import Event, Question, Unattended


class Heard(Unattended):
    """Everything that a use case says and asks."""

    def __init__(self, answers: Mapping[str, str] | None = None, cancel: Callable[[Event], bool] | None = None) -> None:
        """Begin with nothing heard.

        Args:
            answers: What is answered, by the code of the question; everything else as if nobody were there.
            cancel: The first event for which this is true cancels the use case.
        """
        super().__init__()
        self.events, self.questions = list[Event](), list[Question]()
        self._answers, self._cancel_at = answers or {}, cancel

    def tell(self, event: Event) -> None:
        self.events.append(event)
        if self._cancel_at is not None and self._cancel_at(event):
            self.cancel()

    def ask(self, question: Question) -> str | None:
        self.questions.append(question)
        return self._answers.get(question.code, super().ask(question))
