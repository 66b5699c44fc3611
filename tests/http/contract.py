# SPDX-License-Identifier: MIT
"""api/openapi.yaml as a judge: every answer of the run is checked against it, and what was never asked is known."""
import json
import re
import warnings

import jsonschema
import yaml


class Contract:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = yaml.safe_load(file)
        warnings.filterwarnings("ignore", message="jsonschema.RefResolver", category=DeprecationWarning)
        self.resolver = jsonschema.RefResolver.from_schema(self.document)
        self.operations = {}
        for template, item in self.document["paths"].items():
            for method, operation in item.items():
                if method in ("get", "put", "post", "patch", "delete"):
                    self.operations[method.upper(), template] = operation
        self.hit = set()

    def find(self, method, path):
        """The operation of a request and whether its path is known at all; fixed paths come before patterns."""
        path = path.split("?")[0]
        known, best = False, None
        for operation_method, template in self.operations:
            pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
            if not re.fullmatch(pattern, path):
                continue
            known = True
            if operation_method == ("GET" if method == "HEAD" else method):
                if best is None or template.count("{") < best[1].count("{"):
                    best = operation_method, template
        return best, known

    def resolve(self, item):
        while isinstance(item, dict) and "$ref" in item:
            item = self.resolver.resolve(item["$ref"])[1]
        return item

    def check(self, method, path, status, headers, body):
        """Raises AssertionError when the answer is not one that the description allows."""
        found, known = self.find(method, path)
        where = f"{method} {path} gave {status}"
        if found is None:
            allowed = (204, 405, 413, 400, 431) if known else (404, 414, 400, 431, 413)
            assert status in allowed, f"{where}, and api/openapi.yaml has no such operation"
            return
        if method != "HEAD":
            self.hit.add(found)
        responses = self.operations[found]["responses"]
        response = responses.get(str(status)) or responses.get(f"{status // 100}XX") or responses.get("default")
        assert response is not None, f"{where}: the description has only {', '.join(responses)}"
        content = self.resolve(response).get("content", {})
        if method == "HEAD" or status in (204, 304):
            assert body == b"", f"{where} with a body"
            return
        kind = headers.get("content-type", "").split(";")[0].strip()
        media = content.get(kind) or content.get(kind.split("/")[0] + "/*") or content.get("*/*")
        assert media is not None, f"{where} as {kind!r}: the description has only {', '.join(content) or 'no body'}"
        schema = media.get("schema")
        if schema is None or not (kind.endswith("json")):
            return
        value = json.loads(body, parse_constant=lambda name: (_ for _ in ()).throw(AssertionError(f"{where}: {name}")))
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in validator.iter_errors(value)]
        assert not errors, f"{where}: " + "; ".join(errors[:5])

    def never_hit(self):
        return sorted(f"{method} {path}" for method, path in set(self.operations) - self.hit)
