"""Nothing reports usage to anybody, whatever the environment says."""

import os
import subprocess
import sys

SWITCHES = {"CI", "ORT_DISABLE_TELEMETRY"}
OPEN = "import sys, pathlib; from unmask.serving.runtime import Runtime; Runtime(pathlib.Path(sys.argv[1]))"


def test_onnx_runtime_keeps_no_record_of_this_machine(shared_bundle, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in SWITCHES} | {"HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", OPEN, str(shared_bundle)], env=environment, check=True)
    assert list(tmp_path.rglob("*onnxruntime*")) == []
