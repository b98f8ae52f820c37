//! Invoices as data: the XML that Factur-X, ZUGFeRD and XRechnung put beside the page (UN/CEFACT's
//! Cross Industry Invoice, EN 16931, and the older form of ZUGFeRD 1; OASIS UBL 2), as lines that
//! a person and a model can read.

use std::fmt::Write as _;

use crate::encoding;
use crate::office::package::{Node, attribute, walk};

/// Values that are taken of one invoice at most.
const MOST: usize = 20_000;

/// A value, with the local names of the elements it stands in.
struct Leaf {
    path: Vec<String>,
    scheme: Option<String>,
    text: String,
    /// The line of the invoice it belongs to.
    line: Option<usize>,
}

impl Leaf {
    /// Whether it stands in these elements, one within the other, whatever is between.
    fn is(&self, within: &[&str]) -> bool {
        let Some((last, before)) = within.split_last() else {
            return false;
        };
        let mut path = self.path.iter();
        self.path.last().is_some_and(|name| name == last)
            && before.iter().all(|wanted| path.any(|name| name == wanted))
    }
}

/// Elements that are one line of an invoice.
const LINES: [&str; 3] = [
    "IncludedSupplyChainTradeLineItem",
    "InvoiceLine",
    "CreditNoteLine",
];

/// Where a value stands: in CII, in the older form, in UBL.
type Places = &'static [&'static [&'static str]];

/// What is said of the whole invoice, in this order.
const HEAD: &[(&str, Places)] = &[
    (
        "Invoice number",
        &[
            &["ExchangedDocument", "ID"],
            &["HeaderExchangedDocument", "ID"],
            &["Invoice", "ID"],
            &["CreditNote", "ID"],
        ],
    ),
    (
        "Invoice date",
        &[&["IssueDateTime", "DateTimeString"], &["IssueDate"]],
    ),
    (
        "Kind",
        &[
            &["ExchangedDocument", "TypeCode"],
            &["HeaderExchangedDocument", "TypeCode"],
            &["InvoiceTypeCode"],
            &["CreditNoteTypeCode"],
        ],
    ),
    (
        "Due date",
        &[&["DueDateDateTime", "DateTimeString"], &["DueDate"]],
    ),
    (
        "Delivery date",
        &[&["OccurrenceDateTime", "DateTimeString"], &["ActualDeliveryDate"]],
    ),
    (
        "Order",
        &[
            &["BuyerOrderReferencedDocument", "IssuerAssignedID"],
            &["BuyerOrderReferencedDocument", "ID"],
            &["OrderReference", "ID"],
        ],
    ),
    (
        "Seller",
        &[
            &["SellerTradeParty", "Name"],
            &["AccountingSupplierParty", "RegistrationName"],
            &["AccountingSupplierParty", "PartyName", "Name"],
        ],
    ),
    (
        "Seller VAT ID",
        &[
            &["SellerTradeParty", "SpecifiedTaxRegistration", "ID"],
            &["AccountingSupplierParty", "PartyTaxScheme", "CompanyID"],
        ],
    ),
    (
        "Buyer",
        &[
            &["BuyerTradeParty", "Name"],
            &["AccountingCustomerParty", "RegistrationName"],
            &["AccountingCustomerParty", "PartyName", "Name"],
        ],
    ),
    (
        "Buyer VAT ID",
        &[
            &["BuyerTradeParty", "SpecifiedTaxRegistration", "ID"],
            &["AccountingCustomerParty", "PartyTaxScheme", "CompanyID"],
        ],
    ),
    ("Currency", &[&["InvoiceCurrencyCode"], &["DocumentCurrencyCode"]]),
    (
        "IBAN",
        &[
            &["PayeePartyCreditorFinancialAccount", "IBANID"],
            &["PayeeFinancialAccount", "ID"],
        ],
    ),
    (
        "BIC",
        &[
            &["PayeeSpecifiedCreditorFinancialInstitution", "BICID"],
            &["FinancialInstitutionBranch", "ID"],
        ],
    ),
];

/// The sums, in this order.
const SUMS: &[(&str, Places)] = &[
    (
        "Sum of lines",
        &[
            &["LineTotalAmount"],
            &["LegalMonetaryTotal", "LineExtensionAmount"],
        ],
    ),
    ("Charges", &[&["ChargeTotalAmount"]]),
    ("Allowances", &[&["AllowanceTotalAmount"]]),
    ("Subtotal", &[&["TaxBasisTotalAmount"], &["TaxExclusiveAmount"]]),
    ("Tax", &[&["TaxTotalAmount"], &["TaxTotal", "TaxAmount"]]),
    ("Grand total", &[&["GrandTotalAmount"], &["TaxInclusiveAmount"]]),
    ("Prepaid", &[&["TotalPrepaidAmount"], &["PrepaidAmount"]]),
    ("Amount due", &[&["DuePayableAmount"], &["PayableAmount"]]),
];

/// What is said of a line of the invoice.
const COLUMNS: &[(&str, Places)] = &[
    (
        "Description",
        &[&["SpecifiedTradeProduct", "Name"], &["Item", "Name"]],
    ),
    (
        "Quantity",
        &[&["BilledQuantity"], &["InvoicedQuantity"], &["CreditedQuantity"]],
    ),
    (
        "Unit price",
        &[
            &["NetPriceProductTradePrice", "ChargeAmount"],
            &["Price", "PriceAmount"],
        ],
    ),
    (
        "Tax %",
        &[
            &["ApplicableTradeTax", "RateApplicablePercent"],
            &["ApplicableTradeTax", "ApplicablePercent"],
            &["ClassifiedTaxCategory", "Percent"],
        ],
    ),
    ("Amount", &[&["LineTotalAmount"], &["LineExtensionAmount"]]),
];

/// The invoice in lines; `None`: it is no invoice as data.
pub(crate) fn text(content: &[u8]) -> Option<String> {
    let leaves = leaves(content)?;
    let first = |places: Places, line: Option<usize>| {
        let of_place = |within: &&[&str]| leaves.iter().find(|leaf| leaf.line == line && leaf.is(within));
        places.iter().find_map(of_place)
    };
    let mut text = String::new();
    for (name, places) in HEAD {
        let Some(leaf) = first(places, None) else { continue };
        // A party has a tax number beside its VAT id.
        let vat = |leaf: &&Leaf| leaf.scheme.as_deref().is_none_or(|scheme| scheme == "VA");
        let leaf = if name.ends_with("VAT ID") {
            let all = places
                .iter()
                .flat_map(|within| leaves.iter().filter(move |leaf| leaf.is(within)));
            all.into_iter().find(vat)
        } else {
            Some(leaf)
        };
        let Some(leaf) = leaf else { continue };
        let _ = writeln!(text, "{name}: {}", value(name, &leaf.text));
        if let Some(address) = address(name, &leaves) {
            let _ = writeln!(text, "{name} address: {address}");
        }
    }
    let lines = leaves.iter().filter_map(|leaf| leaf.line).max();
    if let Some(last) = lines {
        let heads: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let _ = writeln!(
            text,
            "\n| {} |\n|{}",
            heads.join(" | "),
            " --- |".repeat(heads.len())
        );
        for line in 0..=last {
            let cells: Vec<String> = COLUMNS
                .iter()
                .map(|(_, places)| {
                    first(places, Some(line)).map_or_else(String::new, |leaf| leaf.text.replace('|', "/"))
                })
                .collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text.push('\n');
    }
    for (name, places) in SUMS {
        if let Some(leaf) = first(places, None) {
            let _ = writeln!(text, "{name}: {}", leaf.text);
        }
    }
    Some(text.trim_end().to_owned())
}

/// A date as ISO; kinds in words.
fn value(name: &str, text: &str) -> String {
    let is_date = text.len() == 8 && text.bytes().all(|it| it.is_ascii_digit());
    match (name, text) {
        (_, text) if name.ends_with("date") && is_date => {
            format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..])
        }
        ("Kind", "380") => "380 (invoice)".to_owned(),
        ("Kind", "381") => "381 (credit note)".to_owned(),
        ("Kind", "384") => "384 (corrected invoice)".to_owned(),
        ("Kind", "389") => "389 (self-billed invoice)".to_owned(),
        _ => text.to_owned(),
    }
}

/// The address of a party, on one line.
fn address(party: &str, leaves: &[Leaf]) -> Option<String> {
    let of = match party {
        "Seller" => ["SellerTradeParty", "AccountingSupplierParty"],
        "Buyer" => ["BuyerTradeParty", "AccountingCustomerParty"],
        _ => return None,
    };
    let parts = [
        "LineOne",
        "LineTwo",
        "LineThree",
        "StreetName",
        "AdditionalStreetName",
        "PostcodeCode",
        "PostalZone",
        "CityName",
        "CountryID",
        "IdentificationCode",
    ];
    let part = |name: &&str| {
        let found = leaves.iter().find(|leaf| {
            of.iter().any(|party| {
                leaf.is(&[party, "PostalTradeAddress", name]) || leaf.is(&[party, "PostalAddress", name])
            })
        });
        found.map(|leaf| leaf.text.clone())
    };
    let parts: Vec<String> = parts.iter().filter_map(part).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The values of an invoice, in their order; `None`: it is no invoice as data, or not all of one.
fn leaves(content: &[u8]) -> Option<Vec<Leaf>> {
    let xml = encoding::decode(content, encoding::declared_in(content).as_deref()).text;
    let mut leaves: Vec<Leaf> = Vec::new();
    let (mut path, mut schemes): (Vec<String>, Vec<Option<String>>) = (Vec::new(), Vec::new());
    let (mut line, mut lines, mut text) = (None, 0, String::new());
    let mut is_invoice = true;
    let whole = walk(&xml, &mut |node| match node {
        Node::Start(name, start) => {
            is_invoice &= !path.is_empty() || is_root(name);
            if LINES.contains(&name) {
                line = Some(lines);
                lines += 1;
            }
            schemes.push(attribute(start, "schemeID"));
            path.push(name.to_owned());
            text.clear();
        }
        Node::Text(part) => text.push_str(part),
        Node::End(_) => {
            let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let scheme = schemes.pop().flatten();
            if !said.is_empty() && leaves.len() < MOST {
                leaves.push(Leaf {
                    path: path.clone(),
                    scheme,
                    text: said,
                    line,
                });
            }
            text.clear();
            if path.pop().is_some_and(|name| LINES.contains(&name.as_str())) {
                line = None;
            }
        }
    });
    let is_whole = whole.is_ok_and(|whole| whole) && path.is_empty();
    (is_invoice && is_whole && !leaves.is_empty()).then_some(leaves)
}

fn is_root(name: &str) -> bool {
    [
        "CrossIndustryInvoice",
        "CrossIndustryDocument",
        "Invoice",
        "CreditNote",
    ]
    .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CII: &str = r#"<?xml version="1.0"?><rsm:CrossIndustryInvoice xmlns:rsm="a" xmlns:ram="b" xmlns:udt="c">
<rsm:ExchangedDocument><ram:ID>B-17</ram:ID><ram:TypeCode>380</ram:TypeCode>
<ram:IssueDateTime><udt:DateTimeString format="102">20240305</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction><ram:IncludedSupplyChainTradeLineItem><ram:SpecifiedTradeProduct><ram:Name>Oak &amp; ash | boards</ram:Name></ram:SpecifiedTradeProduct>
<ram:BilledQuantity unitCode="H87">4</ram:BilledQuantity><ram:LineTotalAmount>40.00</ram:LineTotalAmount></ram:IncludedSupplyChainTradeLineItem>
<ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty><ram:Name>Mill North Ltd</ram:Name>
<ram:PostalTradeAddress><ram:PostcodeCode>80333</ram:PostcodeCode><ram:LineOne>Mill Street 3</ram:LineOne></ram:PostalTradeAddress>
<ram:SpecifiedTaxRegistration><ram:ID schemeID="FC">201/1</ram:ID></ram:SpecifiedTaxRegistration>
<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">DE123456789</ram:ID></ram:SpecifiedTaxRegistration></ram:SellerTradeParty>
<ram:BuyerTradeParty><ram:Name>Blue Heron</ram:Name></ram:BuyerTradeParty></ram:ApplicableHeaderTradeAgreement>
<ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>40.00</ram:LineTotalAmount><ram:TaxTotalAmount>7.60</ram:TaxTotalAmount>
<ram:GrandTotalAmount>47.60</ram:GrandTotalAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>"#;

    #[test]
    fn a_cross_industry_invoice_becomes_lines() {
        assert_eq!(
            text(CII.as_bytes()).unwrap(),
            "Invoice number: B-17\nInvoice date: 2024-03-05\nKind: 380 (invoice)\nSeller: Mill North Ltd\nSeller address: Mill Street 3, 80333\nSeller VAT ID: DE123456789\nBuyer: Blue Heron\nCurrency: EUR\n\n| Description | Quantity | Unit price | Tax % | Amount |\n| --- | --- | --- | --- | --- |\n| Oak & ash / boards | 4 |  |  | 40.00 |\n\nSum of lines: 40.00\nTax: 7.60\nGrand total: 47.60"
        );
    }

    #[test]
    fn an_invoice_of_ubl_becomes_lines() {
        let ubl = "<Invoice xmlns:c='c'><c:ID>7</c:ID><c:IssueDate>2024-03-05</c:IssueDate><c:AccountingSupplierParty><c:Party><c:PartyName><c:Name>Mill</c:Name></c:PartyName><c:PostalAddress><c:CityName>Ulm</c:CityName></c:PostalAddress></c:Party></c:AccountingSupplierParty><c:LegalMonetaryTotal><c:PayableAmount>9.00</c:PayableAmount></c:LegalMonetaryTotal><c:InvoiceLine><c:ID>1</c:ID><c:Item><c:Name>Nails</c:Name></c:Item></c:InvoiceLine></Invoice>";
        let text = text(ubl.as_bytes()).unwrap();
        for line in [
            "Invoice number: 7",
            "Seller: Mill",
            "Seller address: Ulm",
            "| Nails |",
            "Amount due: 9.00",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn other_xml_and_damaged_xml_is_no_invoice() {
        assert_eq!(text(b"<order><ID>7</ID></order>"), None);
        assert_eq!(text(b"plain text"), None);
        assert_eq!(text(&CII.as_bytes()[..900]), None);
        assert_eq!(text("<Invoice>".repeat(5000).as_bytes()), None);
    }
}
