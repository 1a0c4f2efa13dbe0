"""What somebody without an account does with the personal link."""

from tests.journeys.browser.people import Person


def verify(vic: Person, link: str) -> None:
    """From the link to the receipt."""
    vic.page.goto(link)
    vic.picture("request")
    vic.press("Start")
    vic.page.get_by_label("Who you are to the learner").fill("Team lead")
    vic.page.get_by_label("When did you see this work?").fill("March to June 2026")
    for answer in vic.page.get_by_label("I saw this", exact=True).all():
        answer.check()
    vic.page.get_by_label("No", exact=True).check()
    vic.page.get_by_label("What I say here is true").check()
    vic.press("Send", exact=True)
    vic.sees("Thank you. Your answer is sent")
