import hashlib
import io
import json
import math
import threading
import zipfile
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from pandas.tseries.frequencies import to_offset

from ttm_estimators.data.corpus.deny_list import find_benchmark
from ttm_estimators.data.corpus.monash import FREQUENCIES, RECORDS, fetch, read_monash, read_tsf

TSF = """# Made here

@relation Made
@attribute series_name string
@attribute state string
@attribute start_timestamp date
@frequency half_hourly
@horizon 8
@missing true
@equallength false
@data
T1:NSW:2002-01-01 00-30-00:1.5,?,-3e2
T2:Vic:1790-12-31 23-00-00:7
"""


def zipped(text, name="made.tsf"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, text.encode("cp1252"))
    return buffer.getvalue()


@pytest.fixture
def hub():
    """A hub on this machine: its address, the pages that it has, and what was asked for."""
    pages, asked = {}, []

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            page = pages.get(self.path)
            self.send_response(404 if page is None else 200)
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", pages, asked
    server.shutdown()
    server.server_close()


def publish(hub, name, content, checksum=None):
    address, pages, _ = hub
    number, file = RECORDS[name]
    checksum = checksum or f"md5:{hashlib.md5(content).hexdigest()}"
    link = {"self": f"{address}/files/{file}"}
    listing = {"files": [{"key": file, "checksum": checksum, "links": link}]}
    pages[f"/api/records/{number}"] = json.dumps(listing).encode()
    pages[f"/files/{file}"] = content


def test_every_record_is_one_of_its_own_and_no_benchmark():
    assert len({record.number for record in RECORDS.values()}) == len(RECORDS) > 25
    for name, record in RECORDS.items():
        assert record.file.startswith(name)
        assert find_benchmark(name) is None
        assert find_benchmark(record.file) is None


def test_names_frequencies_starts_and_missing_values_are_read():
    first, second = read_tsf(TSF.splitlines())
    assert first[:3] == ("T1", "30min", datetime(2002, 1, 1, 0, 30))
    assert first.target.dtype == np.float32
    np.testing.assert_array_equal(first.target, np.float32([1.5, math.nan, -300]))
    assert second.start == datetime(1790, 12, 31, 23)
    assert second.target.tolist() == [7]


def test_name_start_and_frequency_may_be_absent():
    (entry,) = read_tsf(["@attribute horizon numeric", "@data", "6:1,2"])
    assert entry[:3] == ("0", None, None)


@pytest.mark.parametrize(("word", "alias"), FREQUENCIES.items())
def test_every_frequency_is_a_step_that_pandas_knows(word, alias):

    (entry,) = read_tsf([f"@frequency {word}", "@data", "1,2"])
    assert (
        entry.freq
        == alias
        == to_offset(alias).freqstr.replace("-DEC", "").replace("-JAN", "").replace("W-SUN", "W")
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["@frequency fortnightly"], "line 1: unknown frequency 'fortnightly'"),
        (["@attribute"], "line 1: @attribute has no name"),
        (["1,2"], "line 1: '1,2' stands before @data"),
        (["@data", "a:1,2"], "line 2: 1 attributes before the values .* names 0"),
        (["@data", "1,two"], "line 2: could not convert .*two"),
        (["@attribute start_timestamp date", "@data", "2001:1"], "line 3: .*2001"),
        (["@data"], "has no series"),
    ],
)
def test_what_can_not_be_read_is_named_with_its_line(lines, message):
    with pytest.raises(ValueError, match=message):
        list(read_tsf(lines))


def test_a_set_is_fetched_once_and_read_from_the_cache_after_that(hub, tmp_path):
    publish(hub, "sunspot", zipped(TSF))
    first = [entry.item_id for entry in read_monash("sunspot", tmp_path, hub[0])]
    requests = len(hub[2])
    again = [entry.item_id for entry in read_monash("sunspot", tmp_path, hub[0])]
    assert first == again == ["T1", "T2"]
    assert len(hub[2]) == requests == 2


def test_a_download_with_another_checksum_is_thrown_away(hub, tmp_path):
    publish(hub, "sunspot", zipped(TSF), checksum="md5:" + "0" * 32)
    with pytest.raises(ValueError, match="does not match the known hash"):
        fetch("sunspot", tmp_path, hub[0])
    assert not list(tmp_path.iterdir())


def test_a_record_without_the_file_is_named_with_what_it_has(hub, tmp_path):
    publish(hub, "sunspot", zipped(TSF))
    number = RECORDS["nn5_daily"].number
    hub[1][f"/api/records/{number}"] = hub[1][f"/api/records/{RECORDS['sunspot'].number}"]
    with pytest.raises(ValueError, match=r"has no nn5_daily.*but: sunspot"):
        fetch("nn5_daily", tmp_path, hub[0])


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_file_that_changes_in_the_cache_is_noticed(hub, tmp_path, by_hand):
    publish(hub, "sunspot", zipped(TSF))
    if by_hand:
        (tmp_path / RECORDS["sunspot"].file).write_bytes(zipped(TSF))
    file = fetch("sunspot", tmp_path, hub[0])
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(ValueError, match=r"delete it and .*checksum"):
        fetch("sunspot", tmp_path, hub[0])


def test_without_a_connection_the_error_tells_where_to_put_the_file(hub, tmp_path):
    with pytest.raises(
        ConnectionError, match=r"sunspot_dataset.*zip could not.*put it into"
    ) as error:
        fetch("sunspot", tmp_path, hub[0])
    assert str(tmp_path) in str(error.value)
    (tmp_path / RECORDS["sunspot"].file).write_bytes(zipped(TSF))
    assert len(list(read_monash("sunspot", tmp_path, hub[0]))) == 2


def test_an_answer_that_is_no_record_is_as_good_as_none(hub, tmp_path):
    hub[1][f"/api/records/{RECORDS['sunspot'].number}"] = b"<html>"
    with pytest.raises(ConnectionError, match="put it into"):
        fetch("sunspot", tmp_path, hub[0])


def test_a_broken_archive_is_named(tmp_path):
    (tmp_path / RECORDS["sunspot"].file).write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"sunspot.*is broken"):
        list(read_monash("sunspot", tmp_path))


def test_an_archive_without_a_tsf_file_is_named(tmp_path):
    (tmp_path / RECORDS["sunspot"].file).write_bytes(zipped("", "readme.txt"))
    with pytest.raises(ValueError, match=r"0 \.tsf files"):
        list(read_monash("sunspot", tmp_path))


@pytest.mark.parametrize(
    ("name", "message"), [("m4_hourly", "GIFT-Eval"), ("weather", "long-horizon"), ("x", "sunspot")]
)
def test_benchmarks_and_unknown_sets_are_refused_before_anything_is_fetched(
    name, message, hub, tmp_path
):
    with pytest.raises(ValueError, match=message):
        fetch(name, tmp_path, hub[0])
    assert not hub[2]
