"""What the build adds: the project's URL from ``PROJECT_URL``, and a bill of materials in the wheel (PEP 770)."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

NAME = "wsgi-mfa.cdx.json"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*([^;]*)")


class UrlHook(MetadataHookInterface):
    """Sets the URL of the project, where the build is told one."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        url = os.environ.get("PROJECT_URL", "").strip().rstrip("/")
        if url and not url.startswith("https://"):
            raise ValueError(f"PROJECT_URL is {url!r}: legal is an address that begins with https://")
        metadata["urls"] = {"Source": url, "Changelog": f"{url}/blob/main/CHANGELOG.md"} if url else {}


class SbomHook(BuildHookInterface[Any]):
    """Puts a CycloneDX document with the direct dependencies below ``.dist-info/sboms/``."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / NAME
        path.write_text(json.dumps(self._document(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
        build_data.setdefault("sbom_files", []).append(str(path))

    def _document(self) -> dict[str, Any]:
        core = self.metadata.core
        own = f"pkg:pypi/{core.name}@{self.metadata.version}"
        needed = [match for each in core.dependencies if (match := _REQUIREMENT.match(each))]
        components = [
            {
                "type": "library",
                "name": match[1],
                "bom-ref": f"pkg:pypi/{match[1].lower()}",
                "purl": f"pkg:pypi/{match[1].lower()}",
                "properties": [{"name": "requirement", "value": match[0].strip()}],
            }
            for match in needed
        ]
        return {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {
                "component": {
                    "type": "library",
                    "name": core.name,
                    "version": self.metadata.version,
                    "bom-ref": own,
                    "purl": own,
                    "licenses": [{"license": {"id": "MIT"}}],
                }
            },
            "components": components,
            "dependencies": [{"ref": own, "dependsOn": [each["bom-ref"] for each in components]}],
        }
