import time

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from radiant.operators.ecs_task.cloudwatch import PER_S, Cursor, ReadPace, read_page
from radiant.operators.platform import ContainerStatus, LogPage, State

RUNNING = ContainerStatus(State.RUNNING)
DELAY_S = 15.0


class Logs:
    """One log in CloudWatch: pages of three lines, tokens that name a place, some pages empty."""

    def __init__(self):
        self.events = []
        self.asked = []
        self.error = None
        self.empty_pages = 0
        self.expired = set()

    def write(self, *lines, at_ms=1, arrived_ms=0):
        self.events += [{"timestamp": at_ms, "message": line, "ingestionTime": arrived_ms} for line in lines]

    def get_log_events(self, *, logGroupName, logStreamName, startFromHead, nextToken=None, startTime=None):  # noqa: N803
        assert (logGroupName, logStreamName, startFromHead) == ("group", "stream", True)
        self.asked.append(nextToken)
        if self.error is not None:
            raise self.error
        if nextToken in self.expired:
            raise EXPIRED
        kept = [event for event in self.events if event["timestamp"] >= (startTime or 0)]
        begin = int(nextToken.partition("/")[2].partition("+")[0]) if nextToken else 0
        if self.empty_pages:
            self.empty_pages -= 1
            return {"events": [], "nextForwardToken": f"f/{begin}+{self.empty_pages}"}
        page = kept[begin : begin + 3]
        return {"events": page, "nextForwardToken": f"f/{begin + len(page)}"}


def client_error(code, message):
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"RequestId": "1"}}
    return ClientError(answer, "GetLogEvents")


EXPIRED = client_error("InvalidParameterException", "The specified nextToken is invalid.")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def logs():
    return Logs()


@pytest.fixture
def pace():
    clock = Clock()
    pace = ReadPace(clock=clock)
    pace.clock = clock
    return pace


def read(logs, pace, cursor="", status=RUNNING):
    pace.clock.now += 60
    return read_page(logs, pace, cursor, group="group", stream="stream", status=status, delay_s=DELAY_S)


def ended(seconds_ago):
    return ContainerStatus(State.ENDED, exit_code=0, finished_at=time.time() - seconds_ago)


def read_to_the_end(logs, pace, status, cursor="", pages=50):
    lines = []
    for _ in range(pages):
        page = read(logs, pace, cursor, status)
        lines += page.lines
        cursor = page.cursor
        if not page.more:
            return lines
    pytest.fail("the log has no end")


def test_lines_come_in_order_once_each_also_with_one_time_stamp(logs, pace):
    logs.write(*(f"line {i}" for i in range(10)), at_ms=7)
    assert read_to_the_end(logs, pace, ended(60)) == [f"line {i}" for i in range(10)]


def test_a_running_task_s_log_goes_on_where_it_was(logs, pace):
    seen, cursor = [], ""
    for i in range(9):
        logs.write(f"line {i}")
        page = read(logs, pace, cursor)
        seen, cursor = seen + page.lines, page.cursor
    assert seen == [f"line {i}" for i in range(9)]


def test_an_empty_page_is_not_the_end(logs, pace):
    logs.write("a", "b")
    logs.empty_pages = 3
    assert read_to_the_end(logs, pace, ended(60)) == ["a", "b"]


def test_the_end_of_an_ended_task_s_log_is_waited_for(logs, pace):
    logs.write("first")
    page = read(logs, pace, "", ended(1))
    page = read(logs, pace, page.cursor, ended(1))
    assert (page.lines, page.more) == ([], True)
    logs.write("tail")
    page = read(logs, pace, page.cursor, ended(20))
    assert page.lines == ["tail"]
    assert not read(logs, pace, page.cursor, ended(20)).more


def test_lines_that_arrive_late_are_followed_by_another_wait(logs, pace):
    logs.write("late", arrived_ms=int(time.time() * 1000))
    page = read(logs, pace, "", ended(100))
    assert read(logs, pace, page.cursor, ended(100)).more


def test_a_log_that_does_not_exist_yet_is_waited_for_and_one_that_never_does_is_empty(logs, pace):
    logs.error = client_error("ResourceNotFoundException", "The specified log stream does not exist.")
    assert read(logs, pace) == LogPage([], "")
    assert read(logs, pace, "", ended(1)).more
    assert read(logs, pace, "", ended(60)) == LogPage([], "")


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException", "Rate exceeded"),
        client_error("AccessDeniedException", "no"),
        EndpointConnectionError(endpoint_url="http://logs"),
    ],
)
def test_a_log_that_cannot_be_read_fails_nothing_and_is_given_up_with_a_line(logs, pace, error):
    logs.error = error
    assert read(logs, pace) == LogPage([], "")
    assert read(logs, pace, "", ended(60)).more
    page = read(logs, pace, "", ended(DELAY_S + 125))
    assert not page.more
    assert "group/stream" in page.lines[0]


def test_after_throttling_the_log_goes_on_without_a_gap(logs, pace):
    logs.write("a", "b")
    page = read(logs, pace)
    logs.write("c")
    logs.error = client_error("ThrottlingException", "Rate exceeded")
    page = read(logs, pace, page.cursor)
    logs.error = None
    assert read(logs, pace, page.cursor).lines == ["c"]


def test_an_expired_token_costs_no_line_and_doubles_none(logs, pace):
    logs.write("a", at_ms=1)
    logs.write("b", "c", "d", "e", at_ms=2)
    page = read(logs, pace)
    page = read(logs, pace, page.cursor)
    assert page.lines == ["d", "e"]
    logs.write("f", at_ms=2)
    logs.write("g", at_ms=3)
    logs.expired = {Cursor.of(page.cursor).token}
    assert read_to_the_end(logs, pace, ended(60), page.cursor) == ["f", "g"]


def test_a_cursor_survives_as_text():
    cursor = Cursor("f/3", None, 5, 2, 9, 0)
    assert Cursor.of(str(cursor)) == cursor
    assert Cursor.of("") == Cursor()


def test_an_event_of_several_lines_is_several_lines(logs, pace):
    logs.write("one\ntwo\r\n", "")
    assert read(logs, pace).lines == ["one", "two", ""]


def test_500_logs_stay_under_half_of_what_cloudwatch_allows(pace, request):
    reads = []
    for tick in range(6000):
        pace.clock.now = tick / 100
        for i in (tick % 500, (tick * 7 + 3) % 500):
            if pace.may_read(f"s{i}", ended=False):
                pace.read(f"s{i}", lines=1)
                reads.append(pace.clock.now)
    busiest = max(sum(begin <= when < begin + 1 for when in reads) for begin in range(60))
    request.node.user_properties.append(("GetLogEvents a minute", len(reads)))
    request.node.user_properties.append(("GetLogEvents in the busiest second", busiest))
    assert busiest <= 2 * PER_S
    assert len(reads) <= 60 * PER_S + PER_S


def test_a_log_with_nothing_new_is_read_ever_more_rarely(pace):
    reads = 0
    for second in range(600):
        pace.clock.now = second
        if pace.may_read("s", ended=False):
            pace.read("s", lines=0)
            reads += 1
    assert reads < 35


def test_a_log_with_news_is_read_again_at_the_next_step(pace):
    assert pace.may_read("s", ended=False)
    pace.read("s", lines=5)
    assert pace.may_read("s", ended=False)
