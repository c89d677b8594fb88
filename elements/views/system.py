"""System: the state of ec2mon's own machinery, for administrators."""

from functools import cached_property
from typing import Any

from django.views.generic import TemplateView

from elements import tasks
from elements.domain.machinery import CLOCK, POLLS_LATE_S, QUEUE_LATE_S, QUEUES, Machinery, findings
from elements.usecases.database_size import measure
from elements.usecases.machinery import gather
from elements.views.pages import LivePageMixin
from elements.views.shell import shell_of


class System(LivePageMixin, TemplateView):
    """What is wrong and what to do, then the figures."""

    template_name = "elements/system.html"
    permission_required = ("elements.view_element", "elements.change_element")

    @cached_property
    def machinery(self) -> Machinery:
        """Return what was measured for this answer; the elements come from the side list."""
        return gather(self.now, tasks.queues(self.now), self.elements)

    @property
    def elements(self) -> list[Any]:
        """Return all elements with their Poll rows."""
        return list(shell_of(self.request).rows.values())

    def live_state(self) -> tuple[object, ...]:
        """Add the moment: each look measures anew, and the page says how old its figures are."""
        return (*super().live_state(), self.now)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the findings and the figures."""
        context = super().get_context_data(**kwargs)
        state = self.machinery
        found = findings(state)
        wrong = {each.about for each in found}
        context.update(
            state=state,
            findings=found,
            late_after_s=QUEUE_LATE_S,
            polls_late=(state.polls.p95_s or 0) > POLLS_LATE_S,
            clock_at=state.last_beat(CLOCK),
            clock_silent=CLOCK in wrong,
            queues=[(queue, QUEUES[queue.name], state.waited_s(queue), queue.name in wrong) for queue in state.queues],
            beats=[(beat, beat.queue == CLOCK, state.is_silent(beat.at)) for beat in state.beats],
            hosts=len({beat.host for beat in state.beats if beat.queue != CLOCK and not state.is_silent(beat.at)}),
            database=measure(self.elements),
        )
        return context
