"""What the OpenAPI document promises, tried by schemathesis with data that fit it and data that do not."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

EXAMPLES = 15  # of each operation and mode
AUTHORISED = {"Authorization": "Bearer a-token"}
# "Fits the document" means bytes; whether these are a picture no schema says, so 400 is right for nearly all of them.
UNFIT = [positive_data_acceptance]


@pytest.fixture(scope="module")
def operations(in_process):
    with in_process(tokens="a-token", limits={"picture_megapixels": 4.0}) as client:
        document = schemathesis.openapi.from_asgi("/openapi.json", client.app, headers=AUTHORISED)
        yield [found.ok() for found in document.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_each_operation_keeps_what_the_document_promises(operations, mode):
    tried = set()
    for operation in operations:

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def keeps(case):
            tried.add(case.operation.label)
            case.call_and_validate(headers=AUTHORISED, excluded_checks=UNFIT)

        if mode is GenerationMode.POSITIVE or operation.body:
            keeps()
    assert "POST /predict" in tried
