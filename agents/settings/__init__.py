"""The operator's configuration: `config/*.yaml` and the environment, validated as a whole."""

from __future__ import annotations

from agents.settings.cluster import Cluster, Security
from agents.settings.loading import DEFAULT_CONFIG_DIR, Settings, load_settings
from agents.settings.organisation import organisation_from_text
from agents.settings.problems import Problem, SettingsError

__all__ = [
    "DEFAULT_CONFIG_DIR",
    "Cluster",
    "Problem",
    "Security",
    "Settings",
    "SettingsError",
    "load_settings",
    "organisation_from_text",
]
