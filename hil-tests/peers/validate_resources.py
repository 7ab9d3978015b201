"""Validates FHIR R4 resources with two independent validators; runs in its own environment (.venv-fhir).

Reads a JSON list of resources on standard input; writes a JSON list of findings, each
``{"resource": "Observation/o1", "validator": "...", "message": "..."}``, on standard output.
"""

import json
import sys

import fhirkit
from fhir.resources import construct_fhir_element


def findings(resource):
    name = f"{resource.get('resourceType')}/{resource.get('id')}"
    try:
        construct_fhir_element(resource["resourceType"], resource)
    except Exception as error:  # whatever the model raises is a finding
        yield {"resource": name, "validator": "fhir.resources 6.4.0", "message": str(error)}
    try:
        issues = fhirkit.validate(json.dumps(resource))
    except Exception as error:
        yield {"resource": name, "validator": "fhirkit", "message": str(error)}
        return
    for issue in issues:
        yield {"resource": name, "validator": "fhirkit", "message": str(issue)}


def main():
    resources = json.load(sys.stdin)
    json.dump([finding for resource in resources for finding in findings(resource)], sys.stdout)


if __name__ == "__main__":
    main()
