import re
import urllib.parse

EVIL = '<script>alert("x")</script>'
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def post(caller, path, **fields):
    return caller.call("POST", path, urllib.parse.urlencode(fields).encode(), FORM)


def test_it_says_loudly_what_it_is_not(caller):
    status, headers, text = caller.call("GET", "/")
    assert status == 200
    assert "这不是兔展平台" in text
    assert "This is not 兔展" in text
    assert "no-store" in headers["Cache-Control"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert 'http-equiv="refresh"' in text


def test_it_shows_calls_and_tags_arrive(caller):
    caller.rows({"phone": "13800138000", "tags": "新客,VIP"})
    _, _, text = caller.call("GET", "/")
    assert "13800138000" in text
    assert '<span class="tag">新客</span>' in text
    assert "1 次调用" in text


def test_it_shows_the_latest_200_customers(caller):
    for start in (0, 200):
        caller.rows(*[{"phone": f"p{n}", "tags": "t"} for n in range(start, start + 200)])
    caller.rows({"phone": "p3", "tags": "t"})
    _, _, text = caller.call("GET", "/")
    assert len(re.findall(r"<td>p\d+</td>", text)) == 200
    assert text.index("<td>p3</td>") < text.index("<td>p399</td>")
    assert "<td>p200</td>" not in text


def test_it_escapes_what_others_sent(sandbox, caller):
    caller.rows({"phone": EVIL, "tags": EVIL})
    sandbox.faults.add("refuse_rows", field="phone", contains=EVIL)
    caller.rows({"phone": EVIL, "tags": EVIL})
    caller.rows({EVIL: EVIL})
    for path in ("/", "/faults"):
        _, _, text = caller.call("GET", path)
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_its_form_page_does_not_load_itself_again(caller):
    _, _, text = caller.call("GET", "/faults")
    assert "refresh" not in text


def test_every_button_switches_a_fault_on(sandbox, caller):
    _, _, text = caller.call("GET", "/faults")
    forms = re.findall(r'<form method="post" action="/faults/on">(.*?)</form>', text)
    assert len(forms) > 8
    for number, form in enumerate(forms, start=1):
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
        if fields["kind"] == "refuse_rows":
            fields |= {"field": "tags", "contains": "x"}
        status, headers, _ = post(caller, "/faults/on", **fields)
        assert (status, headers["Location"]) == (303, "/")
        assert len(sandbox.faults.active()) == number


def test_it_switches_faults_off(sandbox, caller):
    first = sandbox.faults.add("busy")
    for _ in range(2):
        sandbox.faults.add("cut")
    post(caller, "/faults/off", id=first.id)
    assert [fault.kind for fault in sandbox.faults.active()] == ["cut", "cut"]
    post(caller, "/faults/off")
    assert sandbox.faults.active() == []


def test_it_starts_over(sandbox, caller):
    caller.rows({"phone": "1", "tags": "a"})
    assert post(caller, "/start-over")[0] == 303
    assert sandbox.ledger == []


def test_it_refuses_nonsense_from_a_form(caller):
    assert post(caller, "/faults/on", kind="busy", times="x")[0] == 400
    assert post(caller, "/faults/on", kind="nothing")[0] == 400
    assert post(caller, "/faults/off", id="x")[0] == 400


def test_it_does_not_obey_a_form_of_another_site(sandbox, caller):
    status, _, _ = caller.call("POST", "/faults/on", b"kind=busy", {**FORM, "Origin": "http://evil.example"})
    assert status == 403
    assert sandbox.faults.active() == []
