"""Run in a process of its own against the database of a stack: the cast, one open delivery, one task.

Everybody wants their mail at once and at any hour, so that the journey does not wait for a digest.

`python -m tests.journeys.set_up LEARNERS` with the stack's environment. Prints one line when all is there.
"""

import datetime as dt
import sys

import django

if __name__ == "__main__":
    django.setup()

    from django.db import transaction

    from accounts.models import User
    from portfolios.actions.schedules import begin_portfolios
    from tests.personas import make_cast
    from workflows.actions.preferences import choose_messages
    from workflows.enums import Category, Frequency

    with transaction.atomic():
        cast = make_cast(learners=int(sys.argv[1]))
        begin_portfolios(delivery=cast.delivery, actor=cast.pam)
        for person in User.objects.all():
            choose_messages(
                actor=person,
                frequencies=dict.fromkeys(Category.values, Frequency.NOW.value),
                is_on=False,
                begins=dt.time(19),
                ends=dt.time(7),
                weekends=False,
                language="site",
                wanted={},
            )
    print(f"Ready: {cast.delivery.pk}")
