"""Keeps a deepfake detector current: data, training, evaluation, service, drift, retraining."""

import os

__version__ = "0.1.0"

# Before ONNX Runtime is imported, wherever that is: from 1.29 on it reports its use to its makers unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
