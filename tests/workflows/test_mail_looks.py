"""Every mail in a real Chromium: light and dark, on a phone, with its longest words; no image to be left out."""

import pytest

from accounts.models import User
from workflows.definitions import topic_of, topics
from workflows.models import Notification
from workflows.notifications import render

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

# The lowest contrast of any text with what it stands on (WCAG 1.4.3), and what is wider than the page.
LOOK = """() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = rgb => rgb.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const ground = one => {
    for (; one; one = one.parentElement) {
      const found = parts(getComputedStyle(one).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  let lowest = 21;
  for (const one of document.body.querySelectorAll('*')) {
    if (![...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [light(parts(getComputedStyle(one).color)), light(ground(one))];
    lowest = Math.min(lowest, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return {lowest, width: document.documentElement.scrollWidth, images: document.images.length};
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_mail_fits_a_phone_and_is_readable(browser, scheme):
    reader = User(name="Hēmi Tūhoe", email="h@example.org")
    context = browser.new_context(color_scheme=scheme, viewport={"width": 320, "height": 600})
    page = context.new_page()
    wrong = []
    for code in sorted(topics):
        made = Notification(
            recipient=reader,
            topic=code,
            context=topic_of(code).sample,
            path=f"/v/{'x' * 43}/",
        )
        page.set_content(render(made)[2])
        found = page.evaluate(LOOK)
        if found["width"] > 320 or found["lowest"] < 4.5 or found["images"]:
            wrong.append((code, found))
    context.close()
    assert wrong == []


def test_a_mail_to_a_stranger_speaks_of_no_account():
    made = Notification(
        address="vic@work.example",
        name="Vic",
        topic="portfolios.attestation.link",
        context=topic_of("portfolios.attestation.link").sample,
    )
    _subject, text, html = render(made)
    for words in (text, html):
        assert "sign in" not in words.lower()
        assert "holds no results and no evidence." in words
    assert "Open the page" in html
