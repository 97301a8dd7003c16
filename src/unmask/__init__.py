"""Keeps a deepfake detector current: data, training, evaluation, service, drift, retraining."""

__version__ = "0.1.0"
