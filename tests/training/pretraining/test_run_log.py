import math

import pytest

pytest.importorskip("lightning", reason="training needs the extra train")

from ttm_estimators.training.pretraining.run_log import RunLog

METRICS = {"loss": 0.51234, "windows_per_second": 1234.4}


def test_the_bar_tells_losses_pace_and_time_left(tmp_path):
    with RunLog(tmp_path, 0, progress=False, silent=False) as log:
        log.write(METRICS, 20)
        log.show(20, None, 60.0)
        (task,) = log.bar.tasks
        assert (task.completed, task.total) == (20, None)
        assert task.fields["status"] == "loss 0.512 1234/s 0:01:00 left"
        log.show(20, None, math.nan)
        assert task.fields["status"] == "loss 0.512 1234/s"
        log.write({**METRICS, "val_synthetic": 0.6, "val_corpus": 0.7}, 40)
        log.write(METRICS, 60)
        log.show(60, 100, 90_061.0)
        assert (task.completed, task.total) == (60, 100)
        assert task.fields["status"] == "loss 0.512 val 0.600 0.700 1234/s 1 day, 1:01:01 left"


def test_metrics_are_on_disk_as_soon_as_they_are_written(tmp_path):
    with RunLog(tmp_path, 40, progress=False, silent=False) as log:
        log.write(METRICS, 60)
        log.write({**METRICS, "val_corpus": 0.7}, 80)
        lines = (tmp_path / "log" / "from_step_40" / "metrics.csv").read_text().splitlines()
    assert lines[0] == "loss,step,val_corpus,windows_per_second"
    assert [line.split(",")[1:3] for line in lines[1:]] == [["60", ""], ["80", "0.7"]]
    assert list((tmp_path / "tensorboard" / "from_step_40").glob("events*"))


def test_a_start_from_the_same_step_leaves_the_metrics_of_the_one_before(tmp_path):
    for step in (20, 40, 60):
        with RunLog(tmp_path, 0, progress=False, silent=False) as log:
            log.write(METRICS, step)
    found = {path.parent.name for path in tmp_path.glob("log/*/metrics.csv")}
    assert found == {"from_step_0", "from_step_0_start_2", "from_step_0_start_3"}
    assert "20" in (tmp_path / "log" / "from_step_0" / "metrics.csv").read_text()


def test_a_process_that_is_not_the_first_writes_nothing(tmp_path, capsys):
    with RunLog(tmp_path, 0, progress=True, silent=True) as log:
        log.write(METRICS, 20)
        log.show(20, 100, 60.0)
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out == ""
