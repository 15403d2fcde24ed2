"""Takes the folders of this machine out of the stack traces that PyTorch writes into programs and ONNX models, within zips too.

    python scrub.py FILE...        # onnx
"""

import io
import re
import sys
import zipfile

import onnx

PATH = re.compile(r'(\\*")/[^"]*/(?:site-packages/)?([^"/\\]+/[^"/\\]+\.py|[^"/\\]+\.py)(\\*")')


def text(old):
    return PATH.sub(r"\1\2\3", old)


def scrubbed(name, data):
    if data.startswith(b"PK") and not name.endswith(".pt"):
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
            for info in old.infolist():
                part = zipfile.ZipInfo(info.filename)
                new.writestr(part, scrubbed(info.filename, old.read(info)), info.compress_type)
        return made.getvalue()
    if name.endswith(".json"):
        return text(data.decode()).encode()
    if name.endswith(".onnx"):
        model = onnx.load_from_string(data)
        for node in [*model.graph.node, *(node for f in model.functions for node in f.node)]:
            node.doc_string = text(node.doc_string)
            for entry in node.metadata_props:
                entry.value = text(entry.value)
        return model.SerializeToString()
    return data


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        data = scrubbed(path, file.read())
    with open(path, "wb") as file:
        file.write(data)
