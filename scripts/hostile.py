#!/usr/bin/env python3
"""Makes hostile files and has docmill read each, by itself and then all together.

    python3 scripts/hostile.py [--program target/release/docmill] [--keep FOLDER] [KIND ...]

Prints a table: kind, size, seconds, the most memory that docmill and its children had
together, and what became of the document. A kind that takes more than 20 seconds or 1 GB
of memory, ends with an unexpected status, or takes a healthy document with it, fails the
command. Needs nothing but Python.
"""

import argparse
import io
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib

SECONDS = 20.0
BYTES = 1_000_000_000
HEALTHY = "RECEIPT\nThe Corner Shop\nDate: 2026-03-01\nTOTAL 12.50 EUR\n"
KINDS = {}


def kind(name):
    """Registers a maker of one file: a function that returns its bytes."""

    def register(make):
        KINDS[name] = make
        return make

    return register


def packed(entries, level=9):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def office(path, content, more=()):
    return packed([("[Content_Types].xml", "<Types/>"), (path, content), *more])


def word(body):
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return office("word/document.xml", f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>')


def pdf(objects, root=1):
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.5\n")
    for number, content in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer << /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, table))
    return out.getvalue()


def stream(content, more=b""):
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), more, content)


PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] %s >>"


def sheet(rows, dimension="A1"):
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    return packed(
        [
            ("[Content_Types].xml", "<Types/>"),
            (
                "xl/workbook.xml",
                f'<workbook xmlns="{space}" xmlns:r="{relations}"><sheets>'
                '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
            ),
            (
                "xl/_rels/workbook.xml.rels",
                f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{relations}/worksheet" '
                'Target="worksheets/sheet1.xml"/></Relationships>',
            ),
            (
                "xl/worksheets/sheet1.xml",
                f'<worksheet xmlns="{space}"><dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>',
            ),
        ]
    )


@kind("zip-bomb-flat.docx")
def _():
    return office("word/document.xml", b" " * (900 << 20))


@kind("zip-bomb-nested.zip")
def _():
    inner = packed([("zeros.txt", b"0" * (200 << 20))])
    for _depth in range(8):
        inner = packed([(f"inner-{copy}.zip", inner) for copy in range(4)])
    return inner


@kind("zip-bomb-of-texts.zip")
def _():
    return packed([(f"text-{number}.txt", b"A" * (90 << 20)) for number in range(6)])


@kind("xml-entities.docx")
def _():
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return office("word/document.xml", f'<!DOCTYPE d [<!ENTITY e0 "ha">{levels}]><d>&e11;</d>')


@kind("xml-external-entity.docx")
def _():
    return office("word/document.xml", '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>')


@kind("xml-entities.svg.xml")
def _():
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "ha">{levels}]><d>&e11;</d>'.encode()


@kind("xml-deep.docx")
def _():
    return word("<w:p>" * 2_000_000)


@kind("image-60000.png")
def _():
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + 3 * 60_000)
    body = b"".join(packer.compress(row) for _ in range(400)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@kind("image-60000.bmp")
def _():
    return b"BM" + struct.pack("<IIIIIIHH", 0, 0, 54, 40, 60_000, 60_000, 1, 24) + b"\0" * 24


@kind("image-60000.jpg")
def _():
    frame = struct.pack(">BHHB", 8, 60_000, 60_000, 3) + bytes([1, 17, 0, 2, 17, 0, 3, 17, 0])
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xda\0\x0c\x03\1\0\2\0\3\0\0\x3f\0"


@kind("pages-100000.tiff")
def _():
    count, out = 100_000, bytearray(b"II*\0")
    place = 8
    out += struct.pack("<I", place)
    for number in range(count):
        tags = [(256, 4, 1, 1), (257, 4, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 4), (279, 4, 1, 1)]
        after = place + 2 + 12 * len(tags) + 4
        out += struct.pack("<H", len(tags))
        for tag in tags:
            out += struct.pack("<HHII", *tag)
        out += struct.pack("<I", after if number + 1 < count else 0)
        place = after
    return bytes(out)


@kind("tiff-loop.tiff")
def _():
    tags = [(256, 4, 1, 1), (257, 4, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 4), (279, 4, 1, 1)]
    body = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", 8)


@kind("pages-100000.pdf")
def _():
    count = 100_000
    kids = b" ".join(b"%d 0 R" % (number + 3) for number in range(count))
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids)] + [PAGE % b""] * count)


@kind("pages-claimed.pdf")
def _():
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 2147483647 /Kids [3 0 R] >>", PAGE % b""])


@kind("objects-recursive.pdf")
def _():
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [2 0 R 3 0 R] /Parent 3 0 R >>",
                b"<< /Type /Pages /Count 1 /Kids [2 0 R 3 0 R] /Parent 2 0 R /Resources 3 0 R >>"])


@kind("forms-recursive.pdf")
def _():
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 4 0 R >> >>"
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
                PAGE % b"/Contents 5 0 R /Resources << /XObject << /X 4 0 R >> >>",
                stream(b"/X Do " * 1000, form), stream(b"/X Do " * 1000)])


@kind("stream-bomb.pdf")
def _():
    content = b" " * (300 << 20)
    for _layer in range(2):
        content = zlib.compress(content, 9)
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
                PAGE % b"/Contents 4 0 R", stream(content, b"/Filter [/FlateDecode /FlateDecode]")])


@kind("arrays-deep.pdf")
def _():
    return pdf([b"<< /Type /Catalog /Pages 2 0 R /X " + b"[" * 1_000_000 + b"]" * 1_000_000 + b" >>",
                b"<< /Type /Pages /Count 0 /Kids [] >>"])


@kind("script-and-launch.pdf")
def _():
    return pdf([b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /Launch /F (/bin/sh) >> "
                b"/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (while\\(1\\){}) >>] >> >> >>",
                b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
                PAGE % b"/Contents << /F (/etc/passwd) /FFilter /ASCIIHexDecode >>"])


@kind("sheet-claims-all-cells.xlsx")
def _():
    return sheet('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>', "A1:XFD1048576")


@kind("sheet-1000000-rows.xlsx")
def _():
    return sheet("".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 1_000_001)), "A1:A1000000")


@kind("columns-1000000.csv")
def _():
    return (",".join(["x"] * 1_000_000) + "\n").encode() * 20


@kind("quote-open-95mb.csv")
def _():
    return b'a,b\n"' + b"x" * (95 << 20)


@kind("deep-100000.html")
def _():
    return b"<html><body>" + b"<div>" * 100_000 + b"deep" + b"</div>" * 100_000


@kind("tables-deep.html")
def _():
    return b"<html><body>" + b"<table><tr><td>" * 20_000 + b"deep"


@kind("tags-open-10000000.html")
def _():
    return b"<html><body>" + b"<b>" * 10_000_000


@kind("image-linked.html")
def _():
    return b'<html><body><img src="file:///etc/passwd"><img src="http://127.0.0.1:9/x"><iframe src="file:///etc/passwd"></iframe><script>for(;;);</script>text'


@kind("nested-10000.eml")
def _():
    return b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(10_000)) + b"\r\nhello"


@kind("messages-nested-10000.eml")
def _():
    return b"From: a@b.example\r\nSubject: s\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 10_000 + b"hello"


@kind("parts-200000.eml")
def _():
    return b'From: a@b.example\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 200_000


@kind("braces-deep.rtf")
def _():
    return b"{\\rtf1 " + b"{" * 5_000_000 + b"x"


@kind("binary-claimed.rtf")
def _():
    return b"{\\rtf1 \\bin2147483647 x}"


@kind("one-line-95mb.txt")
def _():
    return b"word " * (19 << 20)


@kind("one-word-95mb.txt")
def _():
    return b"x" * (95 << 20)


@kind("one-line-95mb.json")
def _():
    return b'{"a": "' + b"y" * (95 << 20) + b'"}'


@kind("one-line-95mb.md")
def _():
    return b"# " + b"*" * (95 << 20)


@kind("brackets-deep.json")
def _():
    return b"[" * 50_000_000


@kind("sectors-loop.doc")
def _():
    head = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504)
    struct.pack_into("<HHHHH", head, 24, 62, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIII", head, 44, 1, 0, 0, 4096, 0, 1, 0, 1)
    struct.pack_into("<I", head, 76, 0)
    return bytes(head) + struct.pack("<I", 0) * 128 + b"\0" * 4096


@kind("links-inside.zip")
def _():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("passwd.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../../../../tmp/outside.txt", "outside")
    return out.getvalue()


@kind("pictures-linked.docx")
def _():
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    return packed([("[Content_Types].xml", "<Types/>"),
                   ("word/document.xml", '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>text</w:t></w:r></w:p></w:body></w:document>'),
                   ("word/_rels/document.xml.rels", f'<Relationships xmlns="{relations}"><Relationship Id="i" Type="image" TargetMode="External" Target="file:///etc/passwd"/></Relationships>')])


def family(pid):
    """A process and all below it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(entry))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting.extend(children.get(one, []))
    return found


def memory(pid):
    """Proportional memory of a process and all below it, in bytes: shared pages count once."""
    total = 0
    for one in family(pid):
        try:
            with open(f"/proc/{one}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024
        except OSError:
            continue
    return total


def run(program, folder, source):
    """Reads a source; gives seconds, most memory, status, and what was said last."""
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": folder, "DOCMILL_DATA_DIR": os.path.join(folder, "data")}
    started = time.monotonic()
    process = subprocess.Popen([program, "run", source, "--template", "receipt", "--json"], cwd=folder, env=environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    most, done = [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            most[0] = max(most[0], memory(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        out, error = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        out, error = process.communicate()
    done.set()
    watcher.join()
    return time.monotonic() - started, most[0], process.returncode, (error or out).decode("utf-8", "replace")


def outcomes(program, folder):
    """The documents of the newest batch: name and state or code."""
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": folder, "DOCMILL_DATA_DIR": os.path.join(folder, "data")}
    import json

    listed = subprocess.run([program, "list", "last", "--json"], cwd=folder, env=environment, capture_output=True)
    try:
        documents = json.loads(listed.stdout)["documents"]
    except (ValueError, KeyError):
        return {}
    return {document["name"]: document.get("error_code") or document["state"] for document in documents}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="target/release/docmill")
    parser.add_argument("--keep", help="write the files here and leave them")
    parser.add_argument("kinds", nargs="*")
    given = parser.parse_args()
    program, failed = os.path.abspath(given.program), []
    print(f"{'kind':30} {'size':>10} {'seconds':>8} {'memory':>8}  became")
    for name in given.kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            documents = os.path.join(given.keep or folder, name.replace(".", "-"))
            os.makedirs(documents, exist_ok=True)
            content = KINDS[name]()
            with open(os.path.join(documents, name), "wb") as file:
                file.write(content)
            size = len(content)
            del content
            with open(os.path.join(documents, "healthy.txt"), "w") as file:
                file.write(HEALTHY)
            seconds, most, status, said = run(program, folder, documents)
            became = outcomes(program, folder)
            healthy = became.pop("healthy.txt", None)
            wrong = []
            if seconds > SECONDS:
                wrong.append("too slow")
            if most > BYTES:
                wrong.append("too much memory")
            if healthy != "completed":
                wrong.append(f"took a healthy document with it ({healthy})")
            if status not in (0, 1, 3, 4) or "panicked" in said:
                wrong.append(f"status {status}")
            failed += [name] if wrong else []
            end = ", ".join(sorted(set(became.values()))) or "left out"
            print(f"{name:30} {size:10} {seconds:8.1f} {most / 1e6:7.0f}M  {end}{'  !! ' + ', '.join(wrong) if wrong else ''}", flush=True)
    print(f"{len(given.kinds or KINDS)} kinds, {len(failed)} failed{': ' + ', '.join(failed) if failed else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
