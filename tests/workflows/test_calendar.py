"""The calendar as data: against published holidays, a slow oracle, lists read in, and dates counted again."""

import datetime as dt
from zoneinfo import ZoneInfo

import holidays
import icalendar
import pytest
from django import forms
from django.core.files.base import ContentFile
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import SYSTEM, Organisation
from workflows import definitions
from workflows.actions import After, recount_deadlines, set_deadline
from workflows.actions.calendar import (
    DayRow,
    add_days_off,
    dates_moving,
    read_days,
    remove_day_off,
)
from workflows.actions.deadlines import recount
from workflows.actions.reconciling import reconcile
from workflows.exceptions import NotPermitted
from workflows.forms import LocalTimes
from workflows.models import Deadline, DeadlineMove, NonWorkingDay
from workflows.working_days import (
    FILLED_IN,
    REGIONS,
    computed_days,
    is_skipped,
    moments_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
D = dt.date
AUCKLAND, CHATHAM = ZoneInfo("Pacific/Auckland"), ZoneInfo("Pacific/Chatham")
SUBDIVISIONS = {
    "auckland": "AUK", "northland": "NTL", "wellington": "WGN", "nelson": "NSN", "marlborough": "MBH",
    "taranaki": "TKI", "otago": "OTA", "southland": "STL", "south-canterbury": "South Canterbury",
    "hawkes-bay": "HKB", "canterbury": "CAN", "westland": "WTC", "chatham": "CIT",
}  # fmt: skip
YEARS = range(FILLED_IN[0], FILLED_IN[1] + 1)


def published(region: str = "") -> set[dt.date]:
    """Days off by an independent package; holidays kept on another weekday count there."""
    found = holidays.country_holidays(
        "NZ", subdiv=SUBDIVISIONS[region] if region else None, years=YEARS
    )
    return {day for day in found if day.weekday() < 5}


def kept(region: str = "") -> set[dt.date]:
    rows = NonWorkingDay.objects.current().filter(region__in={"", region})
    return {day for day in rows.values_list("day", flat=True) if day.weekday() < 5}


def test_the_national_calendar_is_the_published_one_until_2036():
    assert kept() == published()


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_each_anniversary_is_the_published_one(region):
    assert kept(region) == published(region)


def test_what_the_database_has_is_what_the_rules_compute():
    rows = NonWorkingDay.objects.values_list("day", "name", "region")
    assert set(rows) == set(computed_days(*FILLED_IN))


def test_a_removed_holiday_is_a_working_day_and_an_unknown_year_goes_by_rule(keeper):
    good_friday = NonWorkingDay.objects.get(day=D(2027, 3, 26))
    remove_day_off(good_friday, actor=keeper)
    remove_day_off(good_friday, actor=keeper)
    calendar = NonWorkingDay.objects.calendar()
    assert calendar.is_working_day(D(2027, 3, 26))
    assert not calendar.is_working_day(D(2038, 12, 27))  # Christmas Day 2038, a Saturday
    good_friday.refresh_from_db()
    assert good_friday.removed_by == keeper


def counted(docket, *, days=3, at=dt.time(17), region=""):
    after = After(timezone.now(), days, at)
    calendar = NonWorkingDay.objects.calendar(region)
    return set_deadline(
        subject=docket,
        kind="count_me",
        due_at=after.resolve(AUCKLAND, calendar),
        zone="Pacific/Auckland",
        region=region,
        recipients=[],
        offsets=["-48h"],
        actor=SYSTEM,
        after=after,
    )


def local_day(deadline):
    return deadline.due_at.astimezone(AUCKLAND).date()


def test_a_closed_day_moves_what_was_counted_and_its_owner_is_told(docket, keeper, monkeypatch):
    told = []
    monkeypatch.setitem(definitions.deadline_moved, "count_me", [told.append])
    made = counted(docket)
    before = local_day(made)
    calendar = NonWorkingDay.objects.calendar()
    assert add_days_off([DayRow(before, "Closed for a tangihanga")], actor=keeper) == 1
    made.refresh_from_db()
    assert local_day(made) == calendar.add(before, 1)
    assert made.due_at.astimezone(AUCKLAND).time() == dt.time(17)
    assert [one.pk for one in told] == [made.pk]
    move = made.moves.last()
    assert (move.generation, move.actor, move.reason) == (
        2,
        keeper,
        "The working-day calendar changed",
    )
    assert recount() == []
    remove_day_off(NonWorkingDay.objects.get(day=before), actor=keeper)
    made.refresh_from_db()
    assert local_day(made) == before


def test_reminders_in_working_days_follow_the_calendar_where_their_date_stays(docket, ada, keeper):
    """Otherwise the nightly comparison would find a difference."""
    made = set_deadline(
        subject=docket, kind="count_me", zone="Pacific/Auckland", recipients=[ada], actor=SYSTEM,
        due_at=dt.datetime(2027, 3, 2, 17, tzinfo=AUCKLAND), offsets=["-48h", "+1wd", "+3wd"],
    )  # fmt: skip
    other = made.reminders.get(offset="-48h").fire_at
    add_days_off([DayRow(D(2027, 3, 3), "Closed")], actor=keeper)
    made.refresh_from_db()
    assert made.generation == 1
    days = {
        row.offset: row.fire_at.astimezone(AUCKLAND).date()
        for row in made.reminders.exclude(offset="-48h")
    }
    assert days == {"+1wd": D(2027, 3, 4), "+3wd": D(2027, 3, 8)}
    assert made.reminders.get(offset="-48h").fire_at == other
    run = reconcile()
    assert (run.missing, run.extra) == (0, 0), run.findings
    sent = made.reminders.get(offset="+3wd")
    made.reminders.filter(pk=sent.pk).update(state="fired")
    remove_day_off(NonWorkingDay.objects.get(day=D(2027, 3, 3)), actor=keeper)
    assert made.reminders.get(offset="+1wd").fire_at.astimezone(AUCKLAND).date() == D(2027, 3, 3)
    assert made.reminders.get(offset="+3wd").fire_at == sent.fire_at


def test_the_preview_names_the_dates_that_then_move(docket, make_docket, ada, keeper):
    made = counted(docket)
    Deadline.objects.filter(pk=made.pk).update(people=[str(ada.pk)])
    before = local_day(made)
    row = DayRow(before, "Closed")
    assert dates_moving([DayRow(before, "Closed", region="otago")]) == []
    (moving,) = dates_moving([row])
    assert (moving.label, moving.people, moving.before) == ("Due", ("Ada",), made.due_at)
    made.refresh_from_db()
    assert local_day(made) == before
    add_days_off([row], actor=keeper)
    made.refresh_from_db()
    assert made.due_at == moving.after
    kept = NonWorkingDay.objects.get(day=before, region="")
    (back,) = dates_moving(removed=kept)
    assert (back.before, back.after) == (moving.after, moving.before)
    add_days_off([DayRow(before, "Closed here too", region="otago")], actor=keeper)
    # The day stays off in Otago by the other row, whichever of the two is removed.
    there = counted(make_docket(title="Other"), region="otago")
    assert there.due_at == moving.after
    assert [one.number for one in dates_moving(removed=kept)] == [1]
    assert dates_moving(removed=NonWorkingDay.objects.get(day=before, region="otago")) == []


def test_an_absolute_deadline_keeps_its_wall_time_when_the_zone_changes(docket):
    made = set_deadline(
        subject=docket,
        kind="count_me",
        due_at=timezone.now() + dt.timedelta(days=90),
        zone="Pacific/Auckland",
        recipients=[],
        actor=SYSTEM,
    )
    assert recount() == []
    # As if the rules of the zone had changed by an hour since it was entered.
    wall = dt.datetime.fromisoformat(made.wall_time) + dt.timedelta(hours=1)
    Deadline.objects.update(wall_time=wall.isoformat(timespec="minutes"))
    assert recount_deadlines(actor=SYSTEM, reason="New time-zone data") == 1
    fresh = Deadline.objects.get()
    assert fresh.due_at == made.due_at + dt.timedelta(hours=1)
    assert DeadlineMove.objects.last().reason == "New time-zone data"


def test_only_keepers_change_it(ada):
    with pytest.raises(NotPermitted):
        add_days_off([DayRow(D(2027, 1, 5), "x")], actor=ada)
    with pytest.raises(NotPermitted):
        remove_day_off(NonWorkingDay.objects.first(), actor=ada)


CSV = """day,name,kind,region
2026-12-29,Summer close-down,,
30/12/2026,Summer close-down,Closed,
25/12/2026,Christmas again,,
31 December 2026,Town day,closed,Otago
yesterday,No day,,
2026-12-28,,,
2027-01-04,Nowhere,,Atlantis
2027-01-05,Odd,party,
"""


def test_a_list_with_bad_rows_names_each_of_them():
    found = read_days(CSV.encode("utf-8-sig"))
    assert [(one.day, one.region) for one in found.rows] == [
        (D(2026, 12, 29), ""), (D(2026, 12, 30), ""), (D(2026, 12, 31), "otago"),
    ]  # fmt: skip
    assert [one.day for one in found.known] == [D(2026, 12, 25)]
    assert [one.partition(":")[0] for one in found.problems] == ["Row 6", "Row 7", "Row 8", "Row 9"]


def test_what_is_previewed_reads_the_same_again():
    found = read_days(b"day,name\n2027-01-05,A\n2027-01-06,B\n")
    assert read_days(found.as_csv().encode()).rows == found.rows


def test_a_calendar_file_gives_whole_days_only():
    calendar = icalendar.Calendar()
    for name, start, end in (
        ("Close-down", D(2026, 12, 29), D(2027, 1, 1)),
        ("Meeting", dt.datetime(2027, 1, 5, 9, tzinfo=dt.UTC), None),
    ):
        event = icalendar.Event()
        event.add("summary", name)
        event.add("dtstart", start)
        if end:
            event.add("dtend", end)
        calendar.add_component(event)
    found = read_days(calendar.to_ical())
    assert [one.day for one in found.rows] == [D(2026, 12, 29), D(2026, 12, 30), D(2026, 12, 31)]
    assert len(found.problems) == 1
    assert "Meeting" in found.problems[0]


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\xff\xfe", b"BEGIN:VCALENDAR\nX", b"day,name\n"]
)
def test_what_is_no_list_says_so(content):
    assert read_days(content).problems


class Timed(LocalTimes):
    at = forms.TimeField()
    day = forms.DateField()

    def clean(self):
        cleaned = super().clean()
        cleaned["moment"] = self.settle("at", cleaned["day"], cleaned["at"], AUCKLAND)
        return cleaned


@pytest.mark.parametrize(
    ("day", "moments"),
    [
        ("2027-04-04", ["2027-04-03T13:30", "2027-04-03T14:30"]),  # 2:30 comes twice
        ("2027-09-26", ["2027-09-25T13:30", "2027-09-25T14:30"]),  # 2:30 is skipped
    ],
)
def test_a_time_that_means_two_moments_is_asked_back(day, moments):
    form = Timed({"day": day, "at": "2:30"})
    assert not form.is_valid()
    assert [one.name for one in form.asked] == ["at_which"]
    assert [value[:16] for value, _words in form.fields["at_which"].choices] == moments
    for value, words in form.fields["at_which"].choices:
        assert "UTC+1" in words
        answered = Timed({"day": day, "at": "2:30", "at_which": value})
        assert answered.is_valid()
        assert answered.cleaned_data["moment"].isoformat() == value
    assert not Timed({"day": day, "at": "2:30", "at_which": "2000-01-01T00:00:00+00:00"}).is_valid()


def test_an_ordinary_time_asks_nothing():
    form = Timed({"day": "2027-04-04", "at": "17:00"})
    assert form.is_valid()
    assert form.asked == []
    assert form.cleaned_data["moment"] == dt.datetime(2027, 4, 4, 5, tzinfo=dt.UTC)


@settings(deadline=None)
@given(
    st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2036, 12, 31)),
    st.sampled_from([AUCKLAND, CHATHAM]),
)
def test_moments_read_back_as_the_wall_time_unless_clocks_skip_it(wall, zone):
    for moment in moments_of(wall, zone):
        local = moment.astimezone(zone).replace(tzinfo=None, fold=0)
        assert (local == wall) != is_skipped(wall, zone)


class TestPages:
    URL = "/manage/working-days/"

    @pytest.fixture
    def signed(self, client, keeper):
        client.force_login(keeper)
        return client

    def test_strangers_see_nothing(self, client, ada):
        client.force_login(ada)
        day = NonWorkingDay.objects.first()
        assert client.get(self.URL).status_code == 403
        assert client.get(f"{self.URL}import/").status_code == 403
        assert client.post(f"{self.URL}{day.pk}/remove/").status_code == 404
        assert NonWorkingDay.objects.current().filter(pk=day.pk).exists()

    def test_a_day_is_added_once_and_removed(self, signed):
        typed = {
            "day_0": "29", "day_1": "12", "day_2": "2026", "name": "Close-down", "kind": "closed", "region": "",
        }  # fmt: skip
        assert signed.post(self.URL, typed).status_code == 302
        assert signed.post(self.URL, typed).status_code == 422
        row = NonWorkingDay.objects.get(day=D(2026, 12, 29))
        page = signed.get(f"{self.URL}?year=2026").content.decode()
        assert "Close-down" in page
        assert signed.post(f"{self.URL}{row.pk}/remove/").status_code == 302
        assert "Kim" in signed.get(f"{self.URL}?year=2026").content.decode()

    def test_a_day_with_which_dates_move_asks_first(self, signed, docket, ada):
        made = counted(docket)
        Deadline.objects.filter(pk=made.pk).update(people=[str(ada.pk)])
        day = local_day(made)
        typed = {
            "day_0": day.day, "day_1": day.month, "day_2": day.year, "name": "Close-down",
            "kind": "closed", "region": "",
        }  # fmt: skip
        page = signed.post(self.URL, typed).content.decode()
        assert "1 date moves with this day" in page
        assert "Ada" in page
        assert not NonWorkingDay.objects.filter(day=day).exists()
        assert signed.post(self.URL, {**typed, "confirm": "yes"}).status_code == 302
        row = NonWorkingDay.objects.get(day=day)
        page = signed.post(f"{self.URL}{row.pk}/remove/").content.decode()
        assert "would be a working day again" in page
        assert NonWorkingDay.objects.current().filter(pk=row.pk).exists()
        signed.post(f"{self.URL}{row.pk}/remove/", {"confirm": "yes"})
        assert not NonWorkingDay.objects.current().filter(pk=row.pk).exists()
        listed = signed.post(f"{self.URL}import/", {"text": f"day,name\n{day},Closed\n"})
        assert "1 date moves with this day" in listed.content.decode()
        none = signed.post(f"{self.URL}import/", {"text": "day,name\n2035-01-05,Closed\n"})
        assert "No date moves with this day" in none.content.decode()

    def test_a_list_is_checked_then_taken(self, signed):
        bad = signed.post(f"{self.URL}import/", {"text": CSV})
        assert bad.status_code == 422
        assert "Row 6" in bad.content.decode()
        good = signed.post(f"{self.URL}import/", {"text": "day,name\n2027-01-05,Closed\n"})
        assert good.status_code == 200
        assert not NonWorkingDay.objects.filter(day=D(2027, 1, 5)).exists()
        rows = good.context["found"].as_csv()
        assert (
            signed.post(f"{self.URL}import/", {"confirm": "yes", "rows": rows}).status_code == 302
        )
        assert NonWorkingDay.objects.get(day=D(2027, 1, 5)).source == "imported"

    def test_a_list_that_is_too_long_is_refused_and_not_cut_off(self, signed):
        """What is cut off would be days that silently are working days."""
        rows = "day,name\n2027-01-05,Closed\n" + "\n" * 1_000_000
        sent = signed.post(f"{self.URL}import/", {"file": ContentFile(rows.encode(), "days.csv")})
        assert sent.status_code == 422
        assert "more than 1 MB" in sent.content.decode()

    def test_a_year_that_is_not_filled_in_says_so(self, signed):
        assert "not filled in" in signed.get(f"{self.URL}?year=2040").content.decode()
        assert signed.get(f"{self.URL}?year=abc").status_code == 200


def test_a_provider_administrator_keeps_it(ada):
    from workflows.rules import may_keep_calendar

    provider = Organisation.objects.create(code="p", name="P", kind="provider")
    assert not may_keep_calendar(ada)
    ada.memberships.create(organisation=provider, role="administrator")
    assert may_keep_calendar(ada)
