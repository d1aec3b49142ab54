import pytest

pytest.importorskip("onnxscript")


def test_weights_of_8_bits_do_not_replace_what_stands_for_those_of_a_folder(run, model):
    code, _, err = run("export", model / "model.onnx", "--model", model, "--weights", "int8")
    assert code == 2
    assert "give another name" in err
    assert not (model / "model.onnx").exists()


def test_other_weights_do_not_stand_for_those_of_a_folder(run, model):
    """Without --model it is the shipped model that is written."""
    code, _, err = run("export", model / "model.onnx")
    assert code == 2
    assert "give another name" in err
    assert not (model / "model.onnx").exists()


def test_an_unknown_format_of_weights_is_refused(run, tmp_path):
    code, _, err = run("export", tmp_path / "x.onnx", "--weights", "int4")
    assert code == 2
    assert err.startswith("error: Invalid value for '--weights': 'int4' is not one of ")
