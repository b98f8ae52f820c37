use super::*;

fn text(markup: &str) -> String {
    read(markup).text
}

#[test]
fn tables_keep_their_rows() {
    let markup = "<p>Bill</p><table><tr><td>Item</td><td>Price</td></tr><tr><td>Bolts, a  long name</td>\
        <td>10.00</td></tr><tr><td>Total</td><td>11.90</td></tr></table><p>a │ b</p>";
    assert_eq!(
        text(markup),
        "Bill\n\n| Item | Price |\n| --- | --- |\n| Bolts, a long name | 10.00 |\n| Total | 11.90 |\n\na │ b"
    );
}

#[test]
fn a_header_stands_over_all_columns_it_spans() {
    let markup = "<table><caption>Turnover</caption><tr><th rowspan=2>Branch<th colspan=2>Turnover\
        <tr><td>May<td>June<tr><td>South<td>31<td>32</table>";
    assert_eq!(
        text(markup),
        "Turnover\n\n| Branch | Turnover | Turnover |\n| --- | --- | --- |\n| Branch | May | June |\n| South | 31 | 32 |"
    );
}

#[test]
fn tables_that_arrange_a_page_are_what_is_in_them() {
    let markup = "<table><tr><td><h1>Shop</h1></td></tr><tr><td><table><tr><td>Total</td><td>12.50</td></tr>\
        <tr><td>VAT</td><td>2.00</td></tr></table></td></tr></table>";
    assert_eq!(
        text(markup),
        "# Shop\n\n| Total | 12.50 |\n| --- | --- |\n| VAT | 2.00 |"
    );
    let sides = "<table><tr><td>Left</td><td>Right</td></tr><tr><td colspan=2><table><tr><td>x</td></tr></table></td></tr></table>";
    assert_eq!(text(sides), "Left | Right\n\nx");
}

#[test]
fn what_a_form_shows_is_read() {
    let markup = "<form>Name: <input value='Ann Example'> <input type=checkbox checked> paid \
        <input type=hidden value=secret><select><option>DE<option selected>FR</select>\
        <textarea>two\nlines</textarea></form>";
    assert_eq!(text(markup), "Name: Ann Example [x] paid FR\n\ntwo\nlines");
}

#[test]
fn lists_are_numbered_as_shown() {
    let markup = "<ol start=3><li>three<li>four<ul><li>inner</ul></ol>after";
    assert_eq!(text(markup), "3. three\n4. four\n  - inner\nafter");
}

#[test]
fn what_the_page_hides_is_left_out_and_told() {
    let read =
        read("<p>shown</p><p style='display: none'>hidden</p><iframe src='https://example.com/x'></iframe>");
    assert_eq!(read.text, "shown");
    assert_eq!(read.notes.len(), 1);
    assert!(read.missing[0].contains("https://example.com/x"));
}

#[test]
fn markup_of_endless_depth_still_gives_its_text() {
    let markup = format!("{}hello{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
    assert_eq!(text(&markup), "hello");
    assert_eq!(depth("<div><br><p>a<p>b<span>c</span></div>"), 2);
}
