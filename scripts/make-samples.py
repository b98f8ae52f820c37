#!/usr/bin/env python3
"""Makes the documents under samples/ and the known-right fields in samples/truth.jsonl.

Everything in them is invented: companies, people, addresses, accounts, amounts.
The same bytes come out each time, so a change here shows as a change of just the
documents it is about: dates are fixed, noise is seeded, fonts come from reportlab.

    python3 -m venv /tmp/samples && /tmp/samples/bin/pip install -r scripts/requirements-samples.txt
    /tmp/samples/bin/python scripts/make-samples.py
"""

import io
import json
import random
import re
import shutil
import sys
import zipfile
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import docx
import openpyxl
import pptx
import reportlab
from openpyxl.styles import Font
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

ROOT = Path(__file__).resolve().parent.parent / "samples"
FONTS = Path(reportlab.__file__).parent / "fonts"
MADE = datetime(2026, 3, 2, 9, 0, 0)
PASSWORD = "lighthouse"

TRUTH = []


def path(name):
    target = ROOT / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def truth(name, template, **fields):
    TRUTH.append({"document": name, "template": template, "fields": fields})


# ---------------------------------------------------------------- pictures


def font(size, bold=False):
    return ImageFont.truetype(str(FONTS / ("VeraBd.ttf" if bold else "Vera.ttf")), size)


def draw_receipt(lines, width=620, size=25):
    """A till receipt: strings are centred, pairs stand left and right, '-' is a rule."""
    line_height = size + 13
    image = Image.new("L", (width, line_height * (len(lines) + 2)), 255)
    draw = ImageDraw.Draw(image)
    y = line_height
    for number, line in enumerate(lines):
        face = font(size + 6 if number == 0 else size, bold=number == 0)
        if line == "-":
            draw.line([(30, y + line_height // 2), (width - 30, y + line_height // 2)], fill=90, width=2)
        elif isinstance(line, tuple):
            heavy = font(size, bold=line[0].isupper())
            draw.text((36, y), line[0], font=heavy, fill=20)
            draw.text((width - 36 - draw.textlength(line[1], font=heavy), y), line[1], font=heavy, fill=20)
        else:
            draw.text(((width - draw.textlength(line, font=face)) / 2, y), line, font=face, fill=20)
        y += line_height
    return image


def worn(image, seed, degrees=0.0, strength=0.08):
    """The same page after a scanner: a little turned, a little grey, a little noisy."""
    image = image.rotate(degrees, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    noise = Image.frombytes("L", image.size, random.Random(seed).randbytes(image.width * image.height))
    return Image.blend(image, noise, strength)


def draw_page(paragraphs, width=1240, height=1754):
    """An A4 page at 150 dpi: ("title", …), ("text", …) or ("row", [cells])."""
    image = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(image)
    y = 110
    for kind, content in paragraphs:
        if kind == "title":
            draw.text((110, y), content, font=font(38, bold=True), fill=15)
            y += 70
        elif kind == "row":
            for x, cell in zip((110, 640, 800, 1010), content):
                draw.text((x, y), cell, font=font(24), fill=15)
            y += 40
        elif kind == "space":
            y += content
        else:
            draw.text((110, y), content, font=font(24), fill=15)
            y += 38
    return image


# -------------------------------------------------------------------- PDF


class Pdf:
    """A text PDF with the standard fonts; `row` keeps columns, `text` wraps."""

    def __init__(self, name, title, encrypt=None):
        self.buffer = io.BytesIO()
        self.name = name
        self.canvas = canvas.Canvas(self.buffer, pagesize=A4, invariant=1, encrypt=encrypt, pageCompression=1)
        self.canvas.setTitle(title)
        self.y = A4[1] - 60

    def move(self, height):
        self.y -= height
        if self.y < 60:
            self.page()

    def page(self):
        self.canvas.showPage()
        self.y = A4[1] - 60

    def title(self, text):
        self.canvas.setFont("Helvetica-Bold", 17)
        self.canvas.drawString(56, self.y, text)
        self.move(28)

    def heading(self, text):
        self.move(6)
        self.canvas.setFont("Helvetica-Bold", 11)
        self.canvas.drawString(56, self.y, text)
        self.move(17)

    def text(self, text, size=10):
        self.canvas.setFont("Helvetica", size)
        line = ""
        for word in text.split():
            if self.canvas.stringWidth(f"{line} {word}", "Helvetica", size) > A4[0] - 112:
                self.canvas.drawString(56, self.y, line.strip())
                self.move(size + 4)
                self.canvas.setFont("Helvetica", size)
                line = ""
            line += " " + word
        self.canvas.drawString(56, self.y, line.strip())
        self.move(size + 5)

    def row(self, cells, columns=(56, 330, 410, 540), bold=False):
        """The first cell stands left, the others end at their column."""
        self.canvas.setFont("Helvetica-Bold" if bold else "Helvetica", 10)
        self.canvas.drawString(columns[0], self.y, cells[0])
        for x, cell in zip(columns[1:], cells[1:]):
            self.canvas.drawRightString(x, self.y, cell)
        self.move(15)

    def rule(self):
        self.canvas.setLineWidth(0.5)
        self.canvas.line(56, self.y + 5, A4[0] - 56, self.y + 5)
        self.move(10)

    def space(self, height=12):
        self.move(height)

    def save(self):
        self.canvas.save()
        path(self.name).write_bytes(self.buffer.getvalue())


def image_pdf(name, images):
    buffer = io.BytesIO()
    sheet = canvas.Canvas(buffer, invariant=1)
    for image in images:
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=62)
        jpeg.seek(0)
        size = (image.width * 72 / 150, image.height * 72 / 150)
        sheet.setPageSize(size)
        sheet.drawImage(ImageReader(jpeg), 0, 0, *size)
        sheet.showPage()
    sheet.save()
    path(name).write_bytes(buffer.getvalue())


# ---------------------------------------------------- office files, made equal


def freeze(name, data):
    """Writes an office file (a ZIP) with fixed times, so that it is the same each time."""
    stamp = MADE.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            frozen = zipfile.ZipInfo(entry.filename, (2026, 3, 2, 9, 0, 0))
            frozen.compress_type = entry.compress_type
            frozen.external_attr = 0o644 << 16
            target.writestr(frozen, content)
    path(name).write_bytes(result.getvalue())


def save_office(name, document):
    buffer = io.BytesIO()
    document.save(buffer)
    freeze(name, buffer.getvalue())


def word(name, blocks):
    document = docx.Document()
    for kind, content in blocks:
        if kind == "title":
            document.add_heading(content, level=1)
        elif kind == "heading":
            document.add_heading(content, level=2)
        elif kind == "table":
            table = document.add_table(rows=0, cols=len(content[0]))
            table.style = "Table Grid"
            for row in content:
                for cell, value in zip(table.add_row().cells, row):
                    cell.text = value
        else:
            document.add_paragraph(content)
    save_office(name, document)


def ods(name, sheet, rows):
    """An OpenDocument spreadsheet by hand: three small files in a ZIP."""
    cells = []
    for row in rows:
        cells.append("<table:table-row>")
        for value in row:
            if isinstance(value, (int, float)):
                cells.append(
                    f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
                )
            else:
                cells.append(f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>')
        cells.append("</table:table-row>")
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.3"><office:body>'
        f'<office:spreadsheet><table:table table:name="{sheet}">{"".join(cells)}</table:table></office:spreadsheet>'
        "</office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), kind)
        archive.writestr("content.xml", content, zipfile.ZIP_DEFLATED)
        archive.writestr("META-INF/manifest.xml", manifest, zipfile.ZIP_DEFLATED)
    freeze(name, buffer.getvalue())


def rtf(name, title, paragraphs):
    def escape(text):
        text = re.sub(r"([\\{}])", r"\\\1", text)
        return "".join(c if ord(c) < 128 else f"\\u{ord(c)}?" for c in text)

    body = "\\par\n".join(escape(paragraph) for paragraph in paragraphs)
    path(name).write_text(
        "{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Helvetica;}}\\f0\\fs28\\b " + escape(title) + "\\b0\\fs22\\par\n" + body + "\\par}",
        encoding="ascii",
    )


def text(name, content):
    path(name).write_text(content.lstrip("\n"), encoding="utf-8")


def message(name, subject, sender, to, body, attachment=None):
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(MADE)
    mail["Message-ID"] = f"<{re.sub('[^a-z0-9]+', '-', subject.lower())}@mail.example>"
    mail.set_content(body)
    if attachment:
        file_name, content = attachment
        mail.add_attachment(content, maintype="application", subtype="pdf", filename=file_name)
        mail.set_boundary("----samples-boundary----")
    path(name).write_bytes(bytes(mail))


# --------------------------------------------------------------- receipts


def receipts():
    draw_receipt(
        [
            "CORNER CAFE",
            "14 Mill Street, Portland, OR 97204",
            "Tel. 503-555-0142",
            "-",
            ("Date: 03/14/2026", "08:42"),
            ("Receipt no. 5521", "Till 2"),
            "-",
            ("2 x Flat white", "9.00"),
            ("1 x Almond croissant", "4.25"),
            ("1 x Orange juice", "4.75"),
            "-",
            ("Subtotal", "18.00"),
            ("Sales tax", "1.44"),
            ("TOTAL USD", "19.44"),
            ("Visa **** 4417", "19.44"),
            "-",
            "Thank you, see you soon!",
        ]
    ).save(path("receipts/corner-cafe.png"), optimize=True)
    truth(
        "receipts/corner-cafe.png", "receipt", company="CORNER CAFE", address="14 Mill Street, Portland, OR 97204",
        date="2026-03-14", currency="USD", subtotal=18.00, tax=1.44, total=19.44,
    )

    worn(
        draw_receipt(
            [
                "Harbour Hardware Ltd",
                "3 Quay Road, Falmouth TR11 3QP",
                "VAT No. GB 555 0192 44",
                "-",
                ("Date 21/02/2026", "15:07"),
                "-",
                ("Brass hinge 4 pcs", "£11.60"),
                ("Wood screws 200", "£6.90"),
                ("Exterior paint 1 l", "£17.50"),
                "-",
                ("Subtotal", "£30.00"),
                ("VAT 20%", "£6.00"),
                ("TOTAL", "£36.00"),
                ("Cash", "£40.00"),
                ("Change", "£4.00"),
                "-",
                "Goods may be returned within 28 days",
            ]
        ),
        seed=1, degrees=0.8,
    ).save(path("receipts/harbour-hardware.jpg"), quality=70)
    truth(
        "receipts/harbour-hardware.jpg", "receipt", company="Harbour Hardware Ltd", address="3 Quay Road, Falmouth TR11 3QP",
        date="2026-02-21", currency="GBP", subtotal=30.00, tax=6.00, total=36.00,
    )

    draw_receipt(
        [
            "Buchhandlung Lindenhof",
            "Marktplatz 9, 37073 Göttingen",
            "Tel. 0551 555 0187",
            "-",
            ("Datum: 05.03.2026", "11:26 Uhr"),
            ("Beleg-Nr. 20260305-118", ""),
            "-",
            ("Stille Wasser, Roman", "22,00"),
            ("Wanderkarte Harz", "11,90"),
            ("2 x Grußkarte", "5,80"),
            "-",
            ("Netto", "37,10"),
            ("MwSt 7 %", "2,60"),
            ("SUMME EUR", "39,70"),
            ("Gegeben bar", "50,00"),
            ("Rückgeld", "10,30"),
            "-",
            "Vielen Dank für Ihren Einkauf",
        ]
    ).save(path("receipts/buchhandlung-lindenhof.png"), optimize=True)
    truth(
        "receipts/buchhandlung-lindenhof.png", "receipt", company="Buchhandlung Lindenhof",
        address="Marktplatz 9, 37073 Göttingen", date="2026-03-05", currency="EUR", subtotal=37.10, tax=2.60, total=39.70,
    )

    worn(
        draw_receipt(
            [
                "Librairie du Canal",
                "27 quai des Tilleuls, 67000 Strasbourg",
                "SIRET 000 555 018 00021",
                "-",
                ("Date : 18/02/2026", "17:51"),
                "-",
                ("Carnet ligné A5", "8,50"),
                ("Stylo plume", "24,00"),
                ("Encre bleue", "6,70"),
                "-",
                ("Total HT", "32,67"),
                ("TVA 20 %", "6,53"),
                ("TOTAL TTC EUR", "39,20"),
                ("Carte bancaire", "39,20"),
                "-",
                "Merci de votre visite",
            ]
        ),
        seed=2, degrees=-0.6,
    ).save(path("receipts/librairie-du-canal.jpg"), quality=70)
    truth(
        "receipts/librairie-du-canal.jpg", "receipt", company="Librairie du Canal",
        address="27 quai des Tilleuls, 67000 Strasbourg", date="2026-02-18", currency="EUR", subtotal=32.67, tax=6.53, total=39.20,
    )

    image_pdf(
        "receipts/hotel-seeblick-scan.pdf",
        [
            worn(
                draw_page(
                    [
                        ("title", "Hotel Seeblick"),
                        ("text", "Uferweg 4, 18609 Binz"),
                        ("text", "Telefon 038393 555 012"),
                        ("space", 50),
                        ("title", "Quittung Nr. 1042"),
                        ("text", "Datum: 22.02.2026"),
                        ("text", "Gast: Frau Ines Brandt, Zimmer 12"),
                        ("space", 40),
                        ("row", ["2 Übernachtungen mit Frühstück", "", "", "198,00"]),
                        ("row", ["Parkplatz", "", "", "12,00"]),
                        ("row", ["Abendessen", "", "", "46,80"]),
                        ("space", 30),
                        ("row", ["Netto", "", "", "238,36"]),
                        ("row", ["MwSt", "", "", "18,44"]),
                        ("row", ["Gesamtbetrag EUR", "", "", "256,80"]),
                        ("space", 40),
                        ("text", "Bezahlt mit Karte. Wir danken für Ihren Aufenthalt."),
                    ],
                    height=1000,
                ),
                seed=3, degrees=0.4, strength=0.05,
            )
        ],
    )
    truth(
        "receipts/hotel-seeblick-scan.pdf", "receipt", company="Hotel Seeblick", address="Uferweg 4, 18609 Binz",
        date="2026-02-22", currency="EUR", subtotal=238.36, tax=18.44, total=256.80,
    )

    text(
        "receipts/taxi-larkspur.txt",
        """
Larkspur Cabs
88 Station Road, Leeds LS1 4DY

Date: 11/03/2026 23:18
Driver: 317

Station Road to Airport
Fare            £24.00
Waiting          £3.50
TOTAL           £27.50

Paid by card
""",
    )
    truth(
        "receipts/taxi-larkspur.txt", "receipt", company="Larkspur Cabs", address="88 Station Road, Leeds LS1 4DY",
        date="2026-03-11", currency="GBP", total=27.50,
    )

    stationery = """
PAPER & PINE STATIONERS
402 Alder Avenue, Madison, WI 53703
Receipt 77-1030

Date: 2026-03-09  10:15

Copy paper A4 5 reams      $32.50
Ring binder x 6            $21.00
Highlighters                $7.49

Subtotal                   $60.99
Tax                         $3.35
Total                      $64.34

MASTERCARD **** 2209       $64.34
"""
    text("receipts/paper-and-pine.txt", stationery)
    text("receipts/paper-and-pine-copy.txt", stationery)
    for name in ("receipts/paper-and-pine.txt", "receipts/paper-and-pine-copy.txt"):
        truth(
            name, "receipt", company="PAPER & PINE STATIONERS", address="402 Alder Avenue, Madison, WI 53703",
            date="2026-03-09", currency="USD", subtotal=60.99, tax=3.35, total=64.34,
        )

    sheet = Pdf("receipts/pharmacy-wellspring.pdf", "Receipt")
    sheet.title("Wellspring Pharmacy")
    sheet.text("210 Orchard Lane, Boise, ID 83702")
    sheet.text("Date: March 3, 2026   Time: 16:40   Receipt #90417")
    sheet.rule()
    for item, price in (("Allergy tablets 30", "$14.99"), ("Bandages", "$5.49"), ("Sunscreen SPF 50", "$12.29"), ("Thermometer", "$18.99")):
        sheet.row([item, "", "", price])
    sheet.rule()
    sheet.row(["Subtotal", "", "", "$51.76"])
    sheet.row(["Sales tax 6%", "", "", "$3.11"])
    sheet.row(["Total", "", "", "$54.87"], bold=True)
    sheet.save()
    truth(
        "receipts/pharmacy-wellspring.pdf", "receipt", company="Wellspring Pharmacy", address="210 Orchard Lane, Boise, ID 83702",
        date="2026-03-03", currency="USD", subtotal=51.76, tax=3.11, total=54.87,
    )

    text(
        "receipts/parkhaus-altstadt.txt",
        """
Parkhaus Altstadt GmbH
Wallstraße 2, 90402 Nürnberg

Quittung
Einfahrt 12.03.2026 09:02
Ausfahrt 12.03.2026 13:47
Datum: 12.03.2026

Parkgebühr netto   8,40 EUR
MwSt 19 %          1,60 EUR
Gesamt            10,00 EUR
""",
    )
    truth(
        "receipts/parkhaus-altstadt.txt", "receipt", company="Parkhaus Altstadt GmbH", address="Wallstraße 2, 90402 Nürnberg",
        date="2026-03-12", currency="EUR", subtotal=8.40, tax=1.60, total=10.00,
    )

    draw_receipt(
        [
            "Sunny Side Market",
            "5100 Prairie Blvd, Omaha, NE 68102",
            "-",
            ("03/07/2026", "18:33"),
            "-",
            ("Bananas 2.1 lb", "1.45"),
            ("Whole milk 1 gal", "3.99"),
            ("Eggs large dozen", "4.29"),
            ("Sourdough loaf", "5.50"),
            ("Cheddar 8 oz", "4.77"),
            "-",
            ("SUBTOTAL", "20.00"),
            ("TAX", "1.10"),
            ("TOTAL", "$21.10"),
            ("DEBIT", "21.10"),
            "-",
            "5 items",
        ]
    ).save(path("receipts/sunny-side-market.png"), optimize=True)
    truth(
        "receipts/sunny-side-market.png", "receipt", company="Sunny Side Market", address="5100 Prairie Blvd, Omaha, NE 68102",
        date="2026-03-07", currency="USD", subtotal=20.00, tax=1.10, total=21.10,
    )


# --------------------------------------------------------------- invoices


def invoice_pdf(name, seller, buyer, facts, items, sums, words, encrypt=None):
    """One invoice as a text PDF. `words` are the column heads of its language."""
    sheet = Pdf(name, facts[0][1], encrypt)
    sheet.title(seller[0])
    for line in seller[1:]:
        sheet.text(line)
    sheet.space()
    sheet.heading(words["invoice"])
    for label, value in facts:
        sheet.text(f"{label} {value}")
    sheet.heading(words["to"])
    for line in buyer:
        sheet.text(line)
    sheet.space()
    sheet.row(words["head"], bold=True)
    sheet.rule()
    for row in items:
        sheet.row(row)
    sheet.rule()
    for position, (label, value) in enumerate(sums):
        sheet.row([label, "", "", value], bold=position == len(sums) - 1)
    sheet.space()
    sheet.text(words["pay"])
    sheet.save()


ENGLISH = {
    "invoice": "INVOICE",
    "to": "Bill to",
    "head": ["Description", "Quantity", "Unit price", "Amount"],
    "pay": "Please pay within 30 days. Thank you for your business.",
}


def invoices():
    invoice_pdf(
        "invoices/brightwater-2041.pdf",
        ["Brightwater Design LLC", "77 Canal Street, Suite 5, Providence, RI 02903", "accounts@brightwater.example"],
        ["Tamarack Outdoor Inc.", "1900 Ridge Road, Bend, OR 97701"],
        [("Invoice number:", "BW-2041"), ("Invoice date:", "February 16, 2026"), ("Due date:", "March 18, 2026")],
        [
            ["Catalogue layout, 24 pages", "24", "$85.00", "$2,040.00"],
            ["Cover illustration", "1", "$650.00", "$650.00"],
            ["Print supervision, hours", "6", "$95.00", "$570.00"],
        ],
        [("Subtotal", "$3,260.00"), ("Sales tax 7%", "$228.20"), ("Total due", "$3,488.20")],
        ENGLISH,
    )
    truth(
        "invoices/brightwater-2041.pdf", "invoice", invoice_number="BW-2041", invoice_date="2026-02-16", due_date="2026-03-18",
        seller_name="Brightwater Design LLC", buyer_name="Tamarack Outdoor Inc.", currency="USD", subtotal=3260.00, tax=228.20,
        total=3488.20,
    )

    items, total = [], 0
    for number in range(1, 61):
        quantity, price = 2 + number * 7 % 13, 120 + number * 37 % 900
        total += quantity * price
        items.append(
            [f"Part {1000 + number * 17} bracket type {'ABCDE'[number % 5]}", str(quantity), f"{price / 100:.2f}", f"{quantity * price / 100:,.2f}"]
        )
    tax = total * 20 // 100
    invoice_pdf(
        "invoices/ironleaf-parts-list.pdf",
        ["Ironleaf Components Ltd", "Unit 8, Forge Park, Sheffield S9 2TX", "VAT registration GB 555 7741 02"],
        ["Meadow & Sons Engineering", "12 Foundry Lane, Derby DE1 2GH"],
        [("Invoice number:", "IL/26/00318"), ("Invoice date:", "02/03/2026"), ("Due date:", "01/04/2026"), ("Currency:", "GBP")],
        items,
        [("Subtotal", f"{total / 100:,.2f}"), ("VAT 20%", f"{tax / 100:,.2f}"), ("Total GBP", f"{(total + tax) / 100:,.2f}")],
        ENGLISH,
    )
    truth(
        "invoices/ironleaf-parts-list.pdf", "invoice", invoice_number="IL/26/00318", invoice_date="2026-03-02", due_date="2026-04-01",
        seller_name="Ironleaf Components Ltd", buyer_name="Meadow & Sons Engineering", currency="GBP", subtotal=total / 100,
        tax=tax / 100, total=(total + tax) / 100,
    )

    invoice_pdf(
        "invoices/rechnung-kranich.pdf",
        ["Kranich Messtechnik GmbH", "Industriestraße 41, 01129 Dresden", "USt-IdNr. DE000555018"],
        ["Stadtwerke Falkental", "Am Wehr 1, 09599 Falkental"],
        [("Rechnungsnummer:", "2026-0147"), ("Rechnungsdatum:", "24.02.2026"), ("Fällig am:", "26.03.2026")],
        [
            ["Durchflusssensor DS-40", "8", "312,50 €", "2.500,00 €"],
            ["Kalibrierung vor Ort", "1", "480,00 €", "480,00 €"],
            ["Anfahrt", "1", "95,00 €", "95,00 €"],
        ],
        [("Zwischensumme", "3.075,00 €"), ("Umsatzsteuer 19 %", "584,25 €"), ("Gesamtbetrag", "3.659,25 €")],
        {
            "invoice": "RECHNUNG",
            "to": "Rechnungsempfänger",
            "head": ["Bezeichnung", "Menge", "Einzelpreis", "Betrag"],
            "pay": "Zahlbar innerhalb von 30 Tagen ohne Abzug. Vielen Dank für Ihren Auftrag.",
        },
    )
    truth(
        "invoices/rechnung-kranich.pdf", "invoice", invoice_number="2026-0147", invoice_date="2026-02-24", due_date="2026-03-26",
        seller_name="Kranich Messtechnik GmbH", buyer_name="Stadtwerke Falkental", currency="EUR", subtotal=3075.00, tax=584.25,
        total=3659.25,
    )

    invoice_pdf(
        "invoices/facture-atelier-mistral.pdf",
        ["Atelier Mistral SARL", "8 rue des Oliviers, 84000 Avignon", "TVA intracommunautaire FR00 555 018 274"],
        ["Mairie de Valbelle", "Place de la République, 04200 Valbelle"],
        [("Facture n° :", "F-1173"), ("Date de facture :", "27/02/2026"), ("Date d'échéance :", "29/03/2026")],
        [
            ["Panneaux d'exposition", "12", "145,00 €", "1 740,00 €"],
            ["Pose et transport", "1", "390,00 €", "390,00 €"],
        ],
        [("Total HT", "2 130,00 €"), ("TVA 20 %", "426,00 €"), ("Total TTC", "2 556,00 €")],
        {
            "invoice": "FACTURE",
            "to": "Facturé à",
            "head": ["Désignation", "Quantité", "Prix unitaire", "Montant"],
            "pay": "Paiement à 30 jours par virement. Merci de votre confiance.",
        },
    )
    truth(
        "invoices/facture-atelier-mistral.pdf", "invoice", invoice_number="F-1173", invoice_date="2026-02-27", due_date="2026-03-29",
        seller_name="Atelier Mistral SARL", buyer_name="Mairie de Valbelle", currency="EUR", subtotal=2130.00, tax=426.00, total=2556.00,
    )

    scan = [
        ("title", "Pinecrest Catering Co."),
        ("text", "560 Lakeview Drive, Duluth, MN 55802"),
        ("space", 40),
        ("title", "INVOICE"),
        ("text", "Invoice number: PC-0892"),
        ("text", "Invoice date: 03/06/2026"),
        ("text", "Due date: 03/20/2026"),
        ("space", 30),
        ("text", "Bill to: Northshore Public Library"),
        ("space", 40),
        ("row", ["Description", "Qty", "Price", "Amount"]),
        ("row", ["Reception buffet", "60", "$18.50", "$1,110.00"]),
        ("row", ["Coffee service", "60", "$3.25", "$195.00"]),
        ("row", ["Staff, hours", "12", "$28.00", "$336.00"]),
        ("space", 30),
        ("row", ["Subtotal", "", "", "$1,641.00"]),
        ("row", ["Tax 6.875%", "", "", "$112.82"]),
        ("row", ["Total due", "", "", "$1,753.82"]),
    ]
    image_pdf("invoices/pinecrest-scan.pdf", [worn(draw_page(scan, height=1100), seed=4, degrees=-0.5, strength=0.05)])
    truth(
        "invoices/pinecrest-scan.pdf", "invoice", invoice_number="PC-0892", invoice_date="2026-03-06", due_date="2026-03-20",
        seller_name="Pinecrest Catering Co.", buyer_name="Northshore Public Library", currency="USD", subtotal=1641.00, tax=112.82,
        total=1753.82,
    )

    first = [
        ("title", "Copperfield Freight Ltd"),
        ("text", "Dock 3, Harbour Way, Hull HU1 1PN"),
        ("space", 40),
        ("title", "INVOICE CF-5560"),
        ("text", "Invoice number: CF-5560"),
        ("text", "Invoice date: 19/02/2026"),
        ("text", "Due date: 21/03/2026"),
        ("text", "Bill to: Saltmarsh Ceramics"),
        ("space", 40),
        ("row", ["Description", "Qty", "Price", "Amount"]),
        ("row", ["Container Hull to Oslo", "1", "£1,480.00", "£1,480.00"]),
        ("row", ["Customs papers", "1", "£120.00", "£120.00"]),
        ("space", 60),
        ("text", "Carried forward to page 2"),
    ]
    second = [
        ("title", "Copperfield Freight Ltd"),
        ("text", "Invoice CF-5560, page 2"),
        ("space", 40),
        ("row", ["Storage, days", "4", "£25.00", "£100.00"]),
        ("space", 30),
        ("row", ["Subtotal", "", "", "£1,700.00"]),
        ("row", ["VAT 20%", "", "", "£340.00"]),
        ("row", ["Total", "", "", "£2,040.00"]),
    ]
    pages = [draw_page(page, height=1100).point(lambda value: 255 if value > 140 else 0).convert("1") for page in (first, second)]
    pages[0].save(
        path("invoices/copperfield-two-pages.tif"), save_all=True, append_images=pages[1:], compression="group4", dpi=(150, 150)
    )
    truth(
        "invoices/copperfield-two-pages.tif", "invoice", invoice_number="CF-5560", invoice_date="2026-02-19", due_date="2026-03-21",
        seller_name="Copperfield Freight Ltd", buyer_name="Saltmarsh Ceramics", currency="GBP", subtotal=1700.00, tax=340.00,
        total=2040.00,
    )

    word(
        "invoices/willowbrook-0917.docx",
        [
            ("title", "Willowbrook Gardens"),
            ("text", "31 Fern Hollow, Ithaca, NY 14850"),
            ("heading", "Invoice"),
            ("text", "Invoice number: WG-0917"),
            ("text", "Invoice date: March 1, 2026"),
            ("text", "Due date: March 31, 2026"),
            ("text", "Bill to: Cayuga Dental Group"),
            (
                "table",
                [
                    ["Description", "Quantity", "Unit price", "Amount"],
                    ["Spring planting", "1", "$780.00", "$780.00"],
                    ["Mulch, cubic yards", "9", "$42.00", "$378.00"],
                    ["Hedge trimming, hours", "5", "$55.00", "$275.00"],
                ],
            ),
            ("text", "Subtotal: $1,433.00"),
            ("text", "Sales tax 8%: $114.64"),
            ("text", "Total: $1,547.64"),
        ],
    )
    truth(
        "invoices/willowbrook-0917.docx", "invoice", invoice_number="WG-0917", invoice_date="2026-03-01", due_date="2026-03-31",
        seller_name="Willowbrook Gardens", buyer_name="Cayuga Dental Group", currency="USD", subtotal=1433.00, tax=114.64,
        total=1547.64,
    )

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Invoice"
    rows = [
        ["Bluestem Software GmbH"],
        ["Lindenallee 20, 50668 Köln"],
        [],
        ["Invoice number", "BS-2026-031"],
        ["Invoice date", "2026-03-10"],
        ["Due date", "2026-04-09"],
        ["Bill to", "Polder Logistics B.V."],
        ["Currency", "EUR"],
        [],
        ["Description", "Quantity", "Unit price", "Amount"],
        ["Support contract, March", 1, 1200.00, 1200.00],
        ["Additional seats", 15, 18.50, 277.50],
        [],
        ["Subtotal", None, None, 1477.50],
        ["VAT 19 %", None, None, 280.73],
        ["Total", None, None, 1758.23],
    ]
    for row in rows:
        sheet.append(row)
    sheet["A1"].font = Font(bold=True, size=14)
    save_office("invoices/bluestem-2026-031.xlsx", book)
    truth(
        "invoices/bluestem-2026-031.xlsx", "invoice", invoice_number="BS-2026-031", invoice_date="2026-03-10", due_date="2026-04-09",
        seller_name="Bluestem Software GmbH", buyer_name="Polder Logistics B.V.", currency="EUR", subtotal=1477.50, tax=280.73,
        total=1758.23,
    )

    invoice_pdf(
        "invoices/attached.pdf",
        ["Foxglove Translations", "9 Abbey Green, Bath BA1 1NW"],
        ["Harrow & Finch Publishing", "40 Inkwell Court, London E1 6AN"],
        [("Invoice number:", "FT-311"), ("Invoice date:", "02/03/2026"), ("Due date:", "16/03/2026")],
        [["Translation German to English, words", "8,200", "£0.11", "£902.00"], ["Proofreading, hours", "4", "£38.00", "£152.00"]],
        [("Subtotal", "£1,054.00"), ("VAT 20%", "£210.80"), ("Total", "£1,264.80")],
        ENGLISH,
    )
    attached = path("invoices/attached.pdf")
    message(
        "invoices/foxglove-mail.eml",
        "Invoice FT-311",
        "Foxglove Translations <billing@foxglove.example>",
        "accounts@harrowfinch.example",
        "Dear Ms Osei,\n\nplease find attached invoice FT-311 over £1,264.80, due on 16 March 2026.\n\nKind regards,\nPaul Ferris\nFoxglove Translations\n",
        ("invoice-FT-311.pdf", attached.read_bytes()),
    )
    attached.unlink()
    truth(
        "invoices/foxglove-mail.eml", "invoice", invoice_number="FT-311", invoice_date="2026-03-02", due_date="2026-03-16",
        seller_name="Foxglove Translations", buyer_name="Harrow & Finch Publishing", currency="GBP", subtotal=1054.00, tax=210.80,
        total=1264.80,
    )

    text(
        "invoices/cedar-hosting.html",
        """
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Invoice CH-77120</title></head>
<body>
<h1>Cedar Hosting Inc.</h1>
<p>2 Server Lane, Reno, NV 89501</p>
<h2>Invoice</h2>
<p>Invoice number: CH-77120<br>Invoice date: 2026-03-01<br>Due date: 2026-03-15<br>Bill to: Quillfeather Studio</p>
<table>
<tr><th>Description</th><th>Quantity</th><th>Unit price</th><th>Amount</th></tr>
<tr><td>Virtual server M, March</td><td>3</td><td>$24.00</td><td>$72.00</td></tr>
<tr><td>Backup storage, GB</td><td>500</td><td>$0.02</td><td>$10.00</td></tr>
</table>
<p>Subtotal: $82.00<br>Tax: $0.00<br><strong>Total: $82.00</strong></p>
</body>
</html>
""",
    )
    truth(
        "invoices/cedar-hosting.html", "invoice", invoice_number="CH-77120", invoice_date="2026-03-01", due_date="2026-03-15",
        seller_name="Cedar Hosting Inc.", buyer_name="Quillfeather Studio", currency="USD", subtotal=82.00, tax=0.00, total=82.00,
    )

    invoice_pdf(
        "invoices/lantern-encrypted.pdf",
        ["Lantern Legal LLP", "1 Temple Row, Birmingham B2 5AF"],
        ["Confidential Client 118"],
        [("Invoice number:", "LL-118-07"), ("Invoice date:", "05/03/2026"), ("Due date:", "04/04/2026")],
        [["Advice on lease, hours", "7", "£210.00", "£1,470.00"]],
        [("Subtotal", "£1,470.00"), ("VAT 20%", "£294.00"), ("Total", "£1,764.00")],
        ENGLISH,
        encrypt=StandardEncryption(PASSWORD, ownerPassword="keeper", strength=128),
    )
    truth(
        "invoices/lantern-encrypted.pdf", "invoice", invoice_number="LL-118-07", invoice_date="2026-03-05", due_date="2026-04-04",
        seller_name="Lantern Legal LLP", buyer_name="Confidential Client 118", currency="GBP", subtotal=1470.00, tax=294.00,
        total=1764.00,
    )


# -------------------------------------------------------------- contracts

CLAUSES = [
    ("Services", "The Provider shall supply the services described in Schedule A with reasonable skill and care, by suitably qualified staff, and shall keep the Client informed of progress at least once a month."),
    ("Fees", "The Client shall pay a monthly fee of USD 4,500.00 within 30 days of receiving a correct invoice. Expenses above USD 250.00 need the Client's prior consent in writing."),
    ("Term", "This Agreement begins on April 1, 2026 and ends on March 31, 2028. It is renewed for one further year unless a party gives notice at least 60 days before its end."),
    ("Termination", "Either party may terminate this Agreement on 90 days' written notice, and at once if the other party commits a material breach that it does not remedy within 14 days of being asked to."),
    ("Confidentiality", "Each party shall keep the other party's confidential information secret during the term and for five years after it, and shall use it only for the purposes of this Agreement."),
    ("Liability", "Neither party is liable for loss of profit. Each party's total liability under this Agreement is limited to the fees paid in the twelve months before the claim arose, save for wilful misconduct."),
    ("Data protection", "The Provider shall process personal data only on the Client's documented instructions and shall report any breach within 48 hours of becoming aware of it."),
    ("Assignment", "Neither party may assign this Agreement without the other party's consent, which shall not be unreasonably withheld."),
    ("Notices", "Notices under this Agreement shall be in writing and sent to the addresses given above. A notice sent by courier is deemed received on the second working day."),
    ("Governing law", "This Agreement is governed by the laws of the State of Oregon, and the courts of Multnomah County have exclusive jurisdiction."),
]


def contracts():
    sheet = Pdf("contracts/service-agreement.pdf", "Service Agreement")
    sheet.title("Service Agreement")
    sheet.text("This Service Agreement (the “Agreement”) is made on March 2, 2026 between".replace("“", '"').replace("”", '"'))
    sheet.text('Juniper Analytics Inc., 300 Vista Way, Eugene, OR 97401 (the "Provider"), and')
    sheet.text('Halcyon Foods Cooperative, 18 Granary Square, Salem, OR 97301 (the "Client").')
    for number, (title, body) in enumerate(CLAUSES, 1):
        sheet.heading(f"{number}. {title}")
        sheet.text(f"{number}.1 {body}")
        sheet.text(
            f"{number}.2 Where this clause and a schedule differ, this clause prevails, unless the schedule expressly says "
            f"that it departs from clause {number} and both parties have signed it."
        )
    sheet.page()
    sheet.title("Signatures")
    sheet.text("For the Provider: Marta Lindqvist, Managing Director, March 2, 2026")
    sheet.text("For the Client: Owen Achebe, Chairman, March 2, 2026")
    sheet.heading("Schedule A: Services")
    for line in ("Monthly sales forecast for all 42 stores", "Weekly data quality report", "Training for up to ten users, twice a year"):
        sheet.text(f"- {line}")
    sheet.save()

    word(
        "contracts/lease.docx",
        [
            ("title", "Commercial Lease"),
            ("text", "Landlord: Stonegate Properties Ltd, 5 Castle Yard, Exeter EX1 1AA"),
            ("text", "Tenant: The Copper Kettle Bakery Ltd, 22 Fore Street, Exeter EX4 3AT"),
            ("text", "Premises: ground floor shop, 22 Fore Street, Exeter"),
            ("heading", "1. Term"),
            ("text", "The lease runs for five years from 1 May 2026 to 30 April 2031."),
            ("heading", "2. Rent"),
            ("text", "The rent is £18,600 a year, payable in advance in equal quarterly parts on the usual quarter days."),
            ("heading", "3. Deposit"),
            ("text", "The Tenant pays a deposit of £4,650 on signing."),
            ("heading", "4. Break"),
            ("text", "The Tenant may end the lease on 30 April 2029 by giving six months' written notice."),
            ("heading", "5. Law"),
            ("text", "The law of England and Wales applies."),
            ("text", "Signed on 12 March 2026 by Helen Marsh (Landlord) and Tom Okafor (Tenant)."),
        ],
    )

    rtf(
        "contracts/nda.rtf",
        "Mutual Non-Disclosure Agreement",
        [
            "Between Kestrel Robotics AB, Hamngatan 3, 411 06 Göteborg, and Driftwood Labs Inc., 9 Pier Avenue, Santa Cruz, CA 95060.",
            "Effective date: February 20, 2026.",
            "1. Purpose: to evaluate a joint development of gripper controls.",
            "2. Each party keeps what it receives confidential for three years from disclosure.",
            "3. Information that is public, already known, or independently developed is not confidential.",
            "4. This Agreement ends on February 19, 2028. The duties of clause 2 survive it.",
            "5. Swedish law governs this Agreement.",
            "Signed: Elin Åkesson for Kestrel Robotics AB; Ray Delgado for Driftwood Labs Inc.",
        ],
    )

    text(
        "contracts/beratungsvertrag.txt",
        """
Beratungsvertrag

zwischen der Kranich Messtechnik GmbH, Industriestraße 41, 01129 Dresden (Auftraggeber)
und Dr. Jonas Weidlich, Gartenweg 6, 04109 Leipzig (Berater)

§ 1 Gegenstand
Der Berater unterstützt den Auftraggeber bei der Zulassung des Sensors DS-40.

§ 2 Laufzeit
Der Vertrag beginnt am 1. April 2026 und endet am 30. September 2026.

§ 3 Vergütung
Das Honorar beträgt 120,00 EUR je Stunde zuzüglich gesetzlicher Umsatzsteuer, höchstens 24.000,00 EUR.

§ 4 Kündigung
Der Vertrag kann von jeder Seite mit einer Frist von vier Wochen zum Monatsende gekündigt werden.

§ 5 Recht
Es gilt das Recht der Bundesrepublik Deutschland. Gerichtsstand ist Dresden.

Dresden, den 9. März 2026
""",
    )


# ------------------------------------------------------------------ mixed


def statement():
    sheet = Pdf("mixed/bank-statement.pdf", "Account statement")
    numbers = random.Random(7)
    payees = ["Card payment Sunny Side Market", "Direct debit City Water", "Transfer from J. Calder", "Card payment Corner Cafe", "Standing order rent", "Salary Tamarack Outdoor Inc.", "Cash withdrawal"]
    balance = 284_155
    columns = (56, 430, 540)
    for month, days in (("January", 31), ("February", 28), ("March", 31)):
        sheet.title("Meridian Community Bank")
        sheet.text("Account statement, account 0055-501-8842, holder Avery Calder")
        sheet.text(f"Period: {month} 1 to {month} {days}, 2026")
        sheet.row(["Opening balance", "", f"{balance / 100:,.2f}"], columns, bold=True)
        sheet.row(["Date and description", "Amount", "Balance"], columns, bold=True)
        sheet.rule()
        for day in sorted(numbers.sample(range(1, days + 1), 18)):
            payee = numbers.choice(payees)
            amount = numbers.randrange(900, 26_000)
            if payee.startswith(("Salary", "Transfer from")):
                amount += 60_000
            else:
                amount = -amount
            balance += amount
            sheet.row([f"{month[:3]} {day:02}  {payee}", f"{amount / 100:,.2f}", f"{balance / 100:,.2f}"], columns)
        sheet.rule()
        sheet.row(["Closing balance", "", f"{balance / 100:,.2f}"], columns, bold=True)
        if month != "March":
            sheet.page()
    sheet.save()


def mixed():
    statement()
    text(
        "mixed/reisekosten.csv",
        "Datum;Mitarbeiter;Zweck;Betrag EUR;Belegnummer\n"
        + "".join(
            f"{day:02}.02.2026;{who};{why};{amount};R-{4100 + day}\n"
            for day, who, why, amount in (
                (3, "Ines Brandt", "Bahn Dresden–Leipzig", "38,60"),
                (4, "Ines Brandt", "Hotel", "112,00"),
                (10, "Karim Haddad", "Mietwagen", "1.204,90"),
                (17, "Lea Sommer", "Verpflegung; zwei Tage", "56,00"),
                (24, "Karim Haddad", "Taxi", "27,30"),
            )
        ).replace("Verpflegung; zwei Tage", '"Verpflegung; zwei Tage"'),
    )

    book = openpyxl.Workbook()
    stock = book.active
    stock.title = "Stock"
    stock.append(["Item", "Warehouse", "Quantity", "Reorder level"])
    numbers = random.Random(11)
    for number in range(1, 41):
        stock.append([f"SKU-{7000 + number}", numbers.choice(["North", "South"]), numbers.randrange(0, 400), 50])
    orders = book.create_sheet("Orders")
    orders.append(["Order", "Supplier", "Date", "Amount"])
    for number in range(1, 13):
        orders.append([f"PO-{300 + number}", numbers.choice(["Ironleaf Components Ltd", "Kranich Messtechnik GmbH"]), f"2026-02-{number * 2:02}", numbers.randrange(5_000, 90_000) / 100])
    save_office("mixed/stock.xlsx", book)

    ods(
        "mixed/budget.ods",
        "Budget",
        [["Category", "Planned", "Spent"], ["Rent", 1450, 1450], ["Food", 620, 588.4], ["Transport", 210, 174.25], ["Books", 60, 81.7]],
    )

    word(
        "mixed/minutes.docx",
        [
            ("title", "Minutes of the Board Meeting"),
            ("text", "Halcyon Foods Cooperative, March 4, 2026, 10:00 to 11:35"),
            ("text", "Present: Owen Achebe (chair), Priya Nand, Luis Ferreira. Apologies: Dana Holt."),
            ("heading", "Decisions"),
            ("text", "1. The forecast contract with Juniper Analytics Inc. was approved."),
            ("text", "2. The store in Corvallis will open on June 15, 2026 with a budget of $210,000."),
            ("heading", "Actions"),
            ("table", [["Who", "What", "Until"], ["Priya Nand", "Hire a store manager", "April 30, 2026"], ["Luis Ferreira", "Compare three suppliers", "March 25, 2026"]]),
        ],
    )

    deck = pptx.Presentation()
    for title, body in (
        ("Quarterly Review", "Tamarack Outdoor Inc., first quarter 2026"),
        ("Revenue", "Up 8 % to $4.2 million\nOnline share 46 %\nReturns down to 3.1 %"),
        ("Next steps", "New warehouse in May\nCatalogue to print on March 30"),
    ):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    save_office("mixed/quarterly-review.pptx", deck)

    text(
        "mixed/newsletter.html",
        """
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Garden Letter</title><style>body { color: #222 }</style></head>
<body><h1>Garden Letter, March 2026</h1>
<p>Dear gardeners, the soil is warming &amp; the first peas can go in.</p>
<ul><li>March 14: seed swap, Town Hall</li><li>March 21: pruning course, 12 places, $15.00</li></ul>
<p>Questions? Write to <a href="mailto:garden@willowbrook.example">garden@willowbrook.example</a>.</p>
<script>document.title = "not for reading"</script></body></html>
""",
    )
    rtf(
        "mixed/lettre.rtf",
        "Lettre de réclamation",
        [
            "Claire Fontaine, 14 rue du Moulin, 69003 Lyon",
            "Lyon, le 6 mars 2026",
            "Objet : commande n° 55-2018 du 12 février 2026",
            "Madame, Monsieur, la lampe que j'ai reçue est cassée. Je vous prie de la remplacer ou de rembourser 64,90 € sous quinze jours.",
            "Veuillez agréer mes salutations distinguées. Claire Fontaine",
        ],
    )
    message(
        "mixed/complaint.eml",
        "Late delivery of order 5512",
        "Ravi Menon <ravi.menon@post.example>",
        "service@sunnyside.example",
        "Hello,\n\nmy order 5512 of 20 February 2026 was promised for 25 February and came on 4 March.\nPlease refund the express fee of $12.50.\n\nRavi Menon\n+1 402 555 0133\n",
    )
    text(
        "mixed/application.txt",
        """
Noor van Dijk
Prinsengracht 900, 1017 Amsterdam | noor.vandijk@post.example | +31 20 555 0147

Work
2022 - 2026  Data engineer, Polder Logistics B.V.: shipment forecasting, 40 % fewer empty runs
2019 - 2022  Analyst, Kestrel Robotics AB

Education
2019  MSc Statistics, Utrecht

Skills: Rust, Python, SQL, Dutch (native), English (fluent), German (basic)
""",
    )
    worn(
        draw_page(
            [
                ("title", "Notice to residents"),
                ("text", "City Water will flush the mains in Mill Street"),
                ("text", "on Tuesday, March 17, 2026, from 9 am to 2 pm."),
                ("text", "The water may look cloudy for a short time."),
                ("text", "Questions: 503-555-0199"),
            ],
            height=560,
        ),
        seed=5, degrees=1.2,
    ).save(path("mixed/notice-scan.jpg"), quality=65)

    whole = (ROOT / "invoices/brightwater-2041.pdf").read_bytes()
    path("mixed/broken.pdf").write_bytes(whole[: len(whole) // 3])
    path("mixed/empty.txt").write_bytes(b"")
    path("mixed/firmware.bin").write_bytes(b"\x7fFWB\x00\x02" + random.Random(13).randbytes(2_048))

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, amount in ((1, "12.00"), (2, "48.50")):
            note = f"Larkspur Cabs\nTrip {number}\nDate: 2026-03-0{number}\nTOTAL £{amount}\n"
            archive.writestr(f"trips/trip-{number}.txt", note, zipfile.ZIP_DEFLATED)
    freeze("mixed/trips.zip", buffer.getvalue())


def main():
    for folder in ("receipts", "invoices", "contracts", "mixed"):
        shutil.rmtree(ROOT / folder, ignore_errors=True)
    receipts()
    invoices()
    contracts()
    mixed()
    lines = (json.dumps(line, ensure_ascii=False) for line in TRUTH)
    path("truth.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    files = [file for file in ROOT.rglob("*") if file.is_file()]
    print(f"{len(files)} files, {sum(file.stat().st_size for file in files):,} bytes", file=sys.stderr)


main()
