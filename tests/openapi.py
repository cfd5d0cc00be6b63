"""The operations that an OpenAPI document describes, with the examples it gives."""

import json
from typing import Any, NamedTuple

JSON = "application/json"


class Operation(NamedTuple):
    method: str
    path: str
    described: dict[str, Any]


def operations(document: dict[str, Any]) -> list[Operation]:
    return [
        Operation(method, path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


def examples(schema: dict[str, Any], document: dict[str, Any]) -> list[Any]:
    """Return a schema's examples; if it has none, one made of those of its required members, as /docs shows it."""
    if "$ref" in schema:
        return examples(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "examples" in schema:
        return list(schema["examples"])
    if alternatives := schema.get("oneOf", []) + schema.get("anyOf", []):
        return [example for alternative in alternatives for example in examples(alternative, document)]
    members = {name: examples(member, document) for name, member in schema.get("properties", {}).items()}
    if not all(members.get(name) for name in schema.get("required", ["?"])):
        return []
    return [{name: found[0] for name, found in members.items() if found}]


def media_type(operation: Operation) -> str:
    """Return the type of an operation's body that its examples have: JSON, if it takes that."""
    content = operation.described["requestBody"]["content"]
    return JSON if JSON in content else next(iter(content))


def as_sent(body: Any) -> str:
    """Return an example of a body as it is sent. An example that is no JSON is a text as it is."""
    return body if isinstance(body, str) else json.dumps(body)


def bodies(operation: Operation, document: dict[str, Any]) -> list[Any]:
    if "requestBody" not in operation.described:
        return [None]
    content = operation.described["requestBody"]["content"][media_type(operation)]
    if "examples" in content:
        return [example["value"] for example in content["examples"].values()]
    return [content["example"]] if "example" in content else examples(content["schema"], document)


def address(operation: Operation, answered: dict[str, Any]) -> str:
    """Return the operation's path with its parameters' examples, or with what its collection answered."""
    path = operation.path
    for parameter in operation.described.get("parameters", []):
        if parameter["in"] == "path":
            given = [
                answered.get(parameter["name"]),
                parameter.get("example"),
                *parameter["schema"].get("examples", []),
            ]
            example = next((value for value in given if value is not None), None)
            assert example is not None, f"{operation.path} has no example of {parameter['name']}"
            path = path.replace(f"{{{parameter['name']}}}", str(example))
    return path


def query(operation: Operation) -> dict[str, Any]:
    """Return those parameters of the query that have an example."""
    parameters = [p for p in operation.described.get("parameters", []) if p["in"] == "query"]
    return {p["name"]: p["schema"]["examples"][0] for p in parameters if "examples" in p["schema"]}
