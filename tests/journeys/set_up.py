"""Run in a process of its own against the database of a stack: the cast, one open delivery, one task.

`python -m tests.journeys.set_up LEARNERS` with the stack's environment. Prints one line when all is there.
"""

import sys

import django

if __name__ == "__main__":
    django.setup()

    from django.db import transaction

    from portfolios.actions.schedules import begin_portfolios
    from tests.personas import make_cast

    with transaction.atomic():
        cast = make_cast(learners=int(sys.argv[1]))
        begin_portfolios(delivery=cast.delivery, actor=cast.pam)
    print(f"Ready: {cast.delivery.pk}")
