//! Sums: the amount beside a label, and which of the sums of a receipt was to be paid.

use serde_json::Value;

use super::amounts::{self, Amount};
use super::field::Field;
use super::fields::{Document, Filled};
use super::lines::{Found, Line};

/// Words beside what was handed over.
const PAID: &[&str] = &[
    "cash", "tender", "tendered", "bar", "gegeben", "paid", "bargeld", "espèces",
];
/// Words beside what was given back.
const CHANGE: &[&str] = &["change", "balance", "rückgeld", "wechselgeld", "zurück", "rendu"];

impl Document<'_> {
    /// The amount beside one of the field's labels; for a total, checked against what was paid.
    pub(super) fn amount(&self, field: &Field<'_>, is_total: bool) -> Option<Found<i64>> {
        let labels = field.labels();
        let mut best: Option<(i64, Found<i64>)> = None;
        for (rank, label) in labels.iter().enumerate() {
            for (index, line) in self.lines.iter().enumerate() {
                let Some((_, end)) = line.find(label) else {
                    continue;
                };
                if is_total && is_other_sum(line) {
                    continue;
                }
                let Some(found) = self.amount_beside(index, end) else {
                    continue;
                };
                // An earlier alias says it better; of equal ones the last and largest is the sum.
                let weight = if rank + 2 >= labels.len() {
                    labels.len()
                } else {
                    rank / 3
                };
                let score = -(i64::try_from(weight).unwrap_or(0)) * 1_000_000
                    + if is_total { found.value.min(900_000) } else { 0 };
                if best
                    .as_ref()
                    .is_none_or(|(known, _)| score > *known || (is_total && score == *known))
                {
                    best = Some((score, found));
                }
            }
        }
        let best = best.map(|(_, found)| found);
        if !is_total {
            return best;
        }
        self.paid_less_change()
            .or_else(|| self.rounded(best.as_ref()?.value))
            .or(best)
            .or_else(|| self.largest())
    }

    /// Sum before tax, tax and total are one equation: where two of them and a printed amount agree
    /// with it, that amount is the third, whatever label stood beside what was found.
    pub(super) fn settle_sums(&self, schema: &Value, filled: &mut Filled) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let named = |names: &[&str]| {
            let mut all = properties.into_iter().flatten();
            let wanted = |(name, _): &(&String, &Value)| names.contains(&name.as_str());
            all.find(wanted).map(|(name, _)| name.clone())
        };
        let (Some(net), Some(tax), Some(total)) = (named(NET), named(TAX), named(TOTAL)) else {
            return;
        };
        let cents = |filled: &Filled, name: &str| {
            let value = filled.data.get(name).and_then(Value::as_f64)?;
            #[expect(clippy::cast_possible_truncation, reason = "it was made of cents")]
            Some((value * 100.0).round() as i64)
        };
        let (Some(sum), given_net, given_tax) =
            (cents(filled, &total), cents(filled, &net), cents(filled, &tax))
        else {
            return;
        };
        if given_net
            .zip(given_tax)
            .is_some_and(|(net, tax)| net + tax == sum)
        {
            return;
        }
        let printed = |wanted: i64| {
            let lines = self.lines.iter().rev();
            lines
                .filter_map(|line| {
                    let amount = certain(line).into_iter().find(|it| it.cents == wanted)?;
                    Some(found_amount(line, &amount))
                })
                .next()
        };
        // On a credit note the tax may be printed without its sign.
        let taxes = given_tax
            .into_iter()
            .flat_map(|tax| [tax, -tax])
            .filter(|tax| (*tax < 0) == (sum < 0));
        let by_tax = taxes.into_iter().find_map(|tax| Some((printed(sum - tax)?, tax)));
        if let Some((found, amount)) = by_tax {
            put(filled, &net, &found);
            if given_tax != Some(amount) {
                filled.data.insert(tax, amounts::json(amount));
            }
        } else if let Some(found) = given_net
            .filter(|net| *net != sum)
            .and_then(|net| printed(sum - net))
        {
            put(filled, &tax, &found);
        }
    }

    /// The printed amount that is what was handed over less what was given back: two numbers
    /// that agree with a third are hardly misread.
    fn paid_less_change(&self) -> Option<Found<i64>> {
        let beside = |words: &[&str]| -> Vec<i64> {
            let lines = self.lines.iter().filter(|line| line.has_any(words));
            lines
                .filter_map(|line| certain(line).last().map(|it| it.cents))
                .collect()
        };
        let (paid, change) = (beside(PAID), beside(CHANGE));
        let others = || {
            let lines = self.lines.iter().rev();
            lines.filter(|line| !line.has_any(PAID) && !line.has_any(CHANGE))
        };
        paid.iter()
            .flat_map(|paid| change.iter().map(move |change| paid - change))
            .filter(|total| *total > 0)
            .find_map(|total| {
                let printed = |line: &Line| certain(line).into_iter().find(|it| it.cents == total);
                others().find_map(|line| Some(found_amount(line, &printed(line)?)))
            })
    }

    /// The sum after rounding to the coins there are: at most five cents away, and printed
    /// beside or below the line that speaks of rounding.
    fn rounded(&self, total: i64) -> Option<Found<i64>> {
        let at = self
            .lines
            .iter()
            .position(|line| line.has_any(&["round", "rounding", "rounded"]))?;
        let near = self.lines.iter().skip(at).take(4);
        near.filter(|line| !line.has_any(PAID) && !line.has_any(CHANGE))
            .find_map(|line| {
                let close = |it: &Amount| it.cents != total && (it.cents - total).abs() <= 5;
                let amount = certain(line).into_iter().find(close)?;
                Some(found_amount(line, &amount))
            })
    }

    /// The amount right of a label, else the last one on the line below.
    fn amount_beside(&self, index: usize, end: usize) -> Option<Found<i64>> {
        let line = &self.lines[index];
        let after = line.offset(end);
        if let Some(amount) = certain(line).iter().rev().find(|amount| amount.start >= after) {
            return Some(found_amount(line, amount));
        }
        // A label alone on its line: the value is below (or, where columns were read one by one, not there).
        let alone = line.from(end).chars().filter(|c| c.is_alphanumeric()).count() <= 6;
        let below = self
            .lines
            .get(index + 1)
            .filter(|below| alone && below.page == line.page && below.letters() <= 6)?;
        certain(below).last().map(|amount| found_amount(below, amount))
    }

    /// The largest amount of the lower half: what is left when no label was legible.
    fn largest(&self) -> Option<Found<i64>> {
        let lower = &self.lines[self.lines.len() / 3..];
        lower
            .iter()
            .filter(|line| !line.has_any(PAID) && !line.has_any(CHANGE))
            .flat_map(|line| certain(line).into_iter().map(move |it| (line, it)))
            .max_by_key(|(_, amount)| amount.cents)
            .map(|(line, amount)| found_amount(line, &amount))
    }
}

/// Names of fields for the sum before tax.
const NET: &[&str] = &[
    "subtotal",
    "sub_total",
    "net",
    "net_total",
    "net_amount",
    "total_net",
    "amount_net",
];
/// Names of fields for the tax.
const TAX: &[&str] = &[
    "tax",
    "vat",
    "tax_total",
    "total_tax",
    "tax_amount",
    "vat_amount",
    "total_vat",
];
/// Names of fields for the sum with tax.
const TOTAL: &[&str] = &[
    "total",
    "grand_total",
    "total_amount",
    "gross",
    "total_gross",
    "gross_total",
    "amount_gross",
];

/// Puts an amount in the place of whatever was found for a field.
fn put(filled: &mut Filled, name: &str, found: &Found<i64>) {
    let pointer = format!("/{name}");
    filled.evidence.retain(|evidence| evidence.field != pointer);
    filled.evidence.push(found.evidence(&pointer));
    filled.data.insert(name.to_owned(), amounts::json(found.value));
}

/// The amounts of a line that are surely amounts.
fn certain(line: &Line) -> Vec<Amount> {
    let mut amounts = amounts::of(&line.text);
    amounts.retain(|amount| amount.certain);
    amounts
}

fn found_amount(line: &Line, amount: &Amount) -> Found<i64> {
    Found::new(amount.cents, line, &line.text[amount.start..amount.end])
}

/// Sums that are not the sum to pay, though they say "total".
fn is_other_sum(line: &Line) -> bool {
    [
        "subtotal",
        "sub total",
        "sub-total",
        "total qty",
        "total quantity",
        "total item",
        "total items",
        "total discount",
        "total savings",
        "total saving",
        "total tax",
        "total gst",
        "total vat",
        "total tva",
        "total ht",
        "excl",
        "excluding",
        "zwischensumme",
        "netto",
        "mwst-betrag",
        "ust-betrag",
        "gst summary",
        "total points",
        "taxable",
        "change",
        "rounding adj",
        "cash",
        "net total",
        "zuschläge",
        "abschläge",
        "anzahlungen",
        "teilzahlung",
    ]
    .iter()
    .any(|other| line.find(other).is_some() && !line.folded.iter().collect::<String>().contains("nett total"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::offline::{extract, page_of};

    fn sums(text: &str) -> Value {
        let page = page_of(text);
        let field = |aliases: &[&str]| json!({"type": "number", "x-docmill-type": "amount", "x-docmill-aliases": aliases});
        let schema = json!({"type": "object", "properties": {
            "subtotal": field(&["subtotal"]),
            "tax": field(&["tax"]),
            "total": {"type": "number", "x-docmill-type": "total", "x-docmill-aliases": ["total"]},
        }});
        extract(&schema, &[page]).0
    }

    #[test]
    fn a_sum_that_does_not_add_up_gives_way_to_the_printed_one_that_does() {
        let text = "Excl. of all 593.36\nSubtotal 717.97\nTax 124.61\nTotal 717.97";
        assert_eq!(
            sums(text),
            json!({"subtotal": 593.36, "tax": 124.61, "total": 717.97})
        );
    }

    #[test]
    fn a_missing_tax_is_what_is_left_when_it_is_printed() {
        let text = "Subtotal 100.00\n19 % of it 19.00\nTotal 119.00";
        assert_eq!(sums(text), json!({"subtotal": 100, "tax": 19, "total": 119}));
    }

    #[test]
    fn sums_that_add_up_stay() {
        let text = "Subtotal 100.00\nTax 19.00\nTotal 119.00\nAlso 99.00";
        assert_eq!(sums(text), json!({"subtotal": 100, "tax": 19, "total": 119}));
    }
}
