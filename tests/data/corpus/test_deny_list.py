import pytest

from ttm_benchmarks.gift_eval.tasks import TASKS
from ttm_estimators.data.corpus.deny_list import find_benchmark, refuse


@pytest.mark.parametrize("task", TASKS.values(), ids=str)
def test_every_task_of_gift_eval_is_denied_by_name_and_by_folder(task):
    assert find_benchmark(task.name) == "GIFT-Eval"
    assert find_benchmark(task.folder) == "GIFT-Eval"
    assert find_benchmark(task.name.split("/")[0]) == "GIFT-Eval"


@pytest.mark.parametrize(
    "name",
    [
        *("ETTh1", "ETTh2", "ETTm1", "ETTm2", "ETT-small", "etth1.csv"),
        *("weather", "Weather.csv", "jena_climate_2009_2016"),
        *("electricity", "ECL", "traffic", "PEMS-SF", "exchange_rate", "ILI", "national_illness"),
    ],
)
def test_every_long_horizon_set_is_denied(name):
    assert find_benchmark(name)


@pytest.mark.parametrize(
    "name",
    [
        *("m4hourly", "M4-Daily", "monash_m4_monthly", "chronos_datasets/m4_weekly"),
        *("electricity_hourly_dataset.zip", "gluonts/electricity_nips", "Solar_10_Minutes"),
        *("solar_weekly_dataset", "saugeenday_dataset", "COVID-19 Deaths", "LoopSeattle"),
        *("kdd_cup_2018_dataset_without_missing_values", "car_parts_dataset_with_missing_values"),
        *("ElectricityLoadDiagrams20112014", "hospital_dataset", "traffic_weekly", "SZ-taxi"),
    ],
)
def test_another_spelling_of_a_benchmark_set_is_denied(name):
    assert find_benchmark(name)


@pytest.mark.parametrize(
    "name",
    [
        *("australian_electricity_demand", "solar_4_seconds", "solar_plant1_weather", "elecdemand"),
        *("bdg_weather", "nycflights13_weather", "oikolab_weather", "kaggle_web_traffic"),
        *("mcomp_m1_m3", "metr_la_week", "tsdl", "covid_mobility", "uk_births", "settlement"),
        *("london_smart_meters", "pedestrian_counts", "temperature", "m3_monthly", ""),
    ],
)
def test_what_only_sounds_like_a_benchmark_set_is_let_through(name):
    assert find_benchmark(name) is None
    refuse(name)


def test_a_refusal_names_the_source_the_benchmark_and_what_to_do():
    with pytest.raises(ValueError, match=r"'m4_hourly' is a test set of GIFT-Eval.*Take it out"):
        refuse("m4_hourly")
