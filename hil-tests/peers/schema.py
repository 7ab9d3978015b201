"""JSON Schema, as much of it as the schemas of profiles use, and YAML as an editor with a schema reads it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

WORDS = {
    "$schema", "$defs", "$ref", "title", "description", "type", "properties", "required", "additionalProperties",
    "items", "anyOf", "enum", "pattern", "minimum", "maximum",
}
KINDS = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
    "null": type(None),
}
PLAIN = [
    (r"~|null|Null|NULL|", lambda text: None), (r"true|True|TRUE", lambda text: True),
    (r"false|False|FALSE", lambda text: False), (r"[-+]?[0-9]+", int), (r"0x[0-9a-fA-F]+", lambda text: int(text, 16)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
]


def read_yaml(path: Path):
    """A YAML file by the core schema of YAML 1.2 (``on`` is a text, ``0x1B`` a number), with every key as a text."""
    return _value(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))


def _value(node):
    if isinstance(node, yaml.MappingNode):
        assert all(isinstance(key, yaml.ScalarNode) for key, _ in node.value)
        return {key.value: _value(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    if node.style is None:
        for pattern, make in PLAIN:
            if re.fullmatch(pattern, node.value):
                return make(node.value)
    return node.value


def _is(value, kind: str) -> bool:
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _kinds(schema: dict) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else kind


def faults(value, schema, root: dict, place: str = "") -> list[str]:
    """What a value breaks of a schema; a key that the schema does not know is told as ``PLACE is no key``."""
    if isinstance(schema, bool):
        return [] if schema else [f"{place} is no key"]
    if "$ref" in schema:
        schema = (
            root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
            | {k: v for k, v in schema.items() if k != "$ref"}
        )
    if "anyOf" in schema:
        found = [faults(value, branch, root, place) for branch in schema["anyOf"]]
        # Of branches that all fail, the one of the right kind says most.
        return min(
            found,
            key=lambda told: (any(fault.startswith(f"{place}: ") and " kind " in fault for fault in told), len(told)),
        )
    kinds = _kinds(schema)
    if kinds and not any(_is(value, kind) for kind in kinds):
        return [f"{place}: {value!r} is not of kind {' or '.join(kinds)}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place}: {value!r} is not one of {schema['enum']}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        found.append(f"{place}: {value!r} does not look like {schema['pattern']}")
    if _is(value, "number") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{place}: {value} is out of range")
    if isinstance(value, dict):
        found += [f"{place}/{key} is missing" for key in schema.get("required", []) if key not in value]
        for key, item in value.items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties", True))
            found += faults(item, inner, root, f"{place}/{key}")
    if isinstance(value, list):
        for number, item in enumerate(value):
            found += faults(item, schema.get("items", True), root, f"{place}/{number}")
    return found


def defects(schema: dict) -> list[str]:
    """What is wrong with a schema itself: words nobody knows, references into nothing, parts that nothing uses."""
    found, used = [], set()

    def walk(part, place: str) -> None:
        if isinstance(part, bool):
            return
        found.extend(f"{place}: the word {word!r}" for word in set(part) - WORDS)
        found.extend(f"{place}: the kind {kind!r}" for kind in _kinds(part) if kind not in KINDS)
        found.extend(
            f"{place}: {key!r} is required and not there"
            for key in set(part.get("required", [])) - set(part.get("properties", {}))
        )
        if "enum" in part and (not part["enum"] or len(part["enum"]) != len(set(map(str, part["enum"])))):
            found.append(f"{place}: its enum is empty or says something twice")
        if part.get("minimum", 0) > part.get("maximum", float("inf")):
            found.append(f"{place}: nothing is in its range")
        re.compile(part.get("pattern", ""))
        if "$ref" in part:
            target = part["$ref"].removeprefix("#/$defs/")
            if target not in schema.get("$defs", {}):
                found.append(f"{place}: {part['$ref']} leads nowhere")
            elif target not in used:
                used.add(target)
                walk(schema["$defs"][target], target)
        for key, inner in part.get("properties", {}).items():
            walk(inner, f"{place}/{key}")
        for inner in [*part.get("anyOf", []), part.get("items", True), part.get("additionalProperties", True)]:
            walk(inner, place)

    walk(schema, "")
    found += [f"nothing uses {name!r}" for name in set(schema.get("$defs", {})) - used]
    return found
