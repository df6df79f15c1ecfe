"""The models by their names."""

from collections.abc import Mapping

from conformance.histories.models import MODELS as OF_KEYS
from conformance.histories.models import Model
from conformance.histories.store_model import Store

MODELS: Mapping[str, Model] = {**OF_KEYS, "store": Store()}
