//! Letters and invoices of twenty-odd languages, in the encodings their offices use.

use super::*;

/// A text of a language, and the encodings it is written in.
const TEXTS: &[(&str, &[&str])] = &[
    (
        "Sehr geehrte Frau Müller, die Rechnung über 1.200,00 € für die Büromöbel ist fällig am 15. März. Mit freundlichen Grüßen, Jörg Weiß",
        &["windows-1252"],
    ),
    (
        "Madame, la facture n° 4711 d'un montant de 1 200 € pour le mobilier livré à l'hôtel a été réglée le 3 août. Très cordialement, François Lefèvre",
        &["windows-1252"],
    ),
    (
        "Estimado señor Núñez: la factura del año pasado todavía está pendiente. Póngase en contacto con nuestra oficina mañana por la mañana.",
        &["windows-1252"],
    ),
    (
        "Přílohou zasíláme fakturu za květen. Částka 1 200 Kč je splatná do čtrnácti dnů. Článek byl příjemci doručen, děkujeme za spolupráci.",
        &["windows-1250", "ISO-8859-2"],
    ),
    (
        "Szanowni Państwo, w załączeniu przesyłamy fakturę za usługi świadczone w październiku. Prosimy o zapłatę należności w ciągu czternastu dni. Łączna kwota: 1200 zł",
        &["windows-1250", "ISO-8859-2"],
    ),
    (
        "Tisztelt Ügyfelünk! Mellékelten küldjük az októberi számlát. Kérjük, hogy a fizetendő összeget tizennégy napon belül szíveskedjék átutalni. Köszönettel: Győző Szűcs",
        &["windows-1250"],
    ),
    (
        "Уважаемый господин Иванов! Направляем вам счёт за октябрь. Просим оплатить сумму 1200 рублей в течение четырнадцати дней. С уважением, бухгалтерия",
        &["windows-1251", "KOI8-U", "ISO-8859-5", "IBM866"],
    ),
    (
        "Шановний пане Шевченко! Надсилаємо вам рахунок за жовтень. Просимо сплатити суму 1200 гривень протягом чотирнадцяти днів. З повагою, їхня бухгалтерія",
        &["windows-1251"],
    ),
    (
        "Уважаеми господин Петров, изпращаме ви фактурата за октомври. Моля, платете сумата от 1200 лева в срок от четиринадесет дни. С уважение, счетоводство",
        &["windows-1251"],
    ),
    (
        "Αγαπητέ κύριε Παπαδόπουλε, σας στέλνουμε το τιμολόγιο του Οκτωβρίου. Παρακαλούμε να πληρώσετε το ποσό εντός δεκατεσσάρων ημερών. Με εκτίμηση",
        &["windows-1253"],
    ),
    (
        "Sayın müşterimiz, ekim ayına ait faturanız ektedir. Lütfen tutarı on dört gün içinde ödeyiniz. Şirketimizin çalışanları size teşekkür eder. İyi günler dileriz, ağabey",
        &["windows-1254"],
    ),
    (
        "לקוח נכבד, מצורפת החשבונית לחודש אוקטובר. נא לשלם את הסכום תוך ארבעה עשר ימים. בברכה, הנהלת החשבונות",
        &["windows-1255"],
    ),
    (
        "السيد المحترم، نرسل إليكم فاتورة شهر أكتوبر. يرجى دفع المبلغ خلال أربعة عشر يوما. مع أطيب التحيات من قسم الحسابات في الشركة",
        &["windows-1256"],
    ),
    (
        "Cienījamais klient, nosūtām jums oktobra rēķinu. Lūdzam samaksāt norādīto summu četrpadsmit dienu laikā. Paldies par sadarbību, jūsu uzņēmums",
        &["windows-1257"],
    ),
    (
        "เรียนลูกค้าผู้มีอุปการคุณ ขอส่งใบแจ้งหนี้ประจำเดือนตุลาคม กรุณาชำระเงินภายในสิบสี่วัน ขอแสดงความนับถือ",
        &["windows-874"],
    ),
    ("Kính gửi quý khách hàng", &[]),
    (
        "請求書\r\n株式会社山田商店 御中\r\n下記のとおりご請求申し上げます。合計金額 12,000円（税込）\r\nお支払期限は十月末日です。こんにちは、よろしくお願いいたします。",
        &["Shift_JIS", "EUC-JP", "ISO-2022-JP"],
    ),
    (
        "尊敬的客户：随函附上十月份的发票。请在十四天内支付合计金额一千二百元。如有任何问题，请与我们的财务部门联系。谢谢您的合作。",
        &["GBK", "gb18030"],
    ),
    (
        "親愛的客戶：隨函附上十月份的發票。請在十四天內支付合計金額一千二百元。如有任何問題，請與我們的財務部門聯繫。謝謝您的合作。",
        &["Big5"],
    ),
    (
        "고객님께, 십월 청구서를 보내드립니다. 십사일 이내에 합계 금액을 지불해 주시기 바랍니다. 감사합니다. 회계부서 드림",
        &["EUC-KR"],
    ),
];

#[test]
fn letters_of_many_languages_are_read_in_the_encodings_of_their_offices() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (text, names) in TEXTS {
        for name in *names {
            let encoding = Encoding::for_label(name.as_bytes()).expect("a known name");
            let (bytes, _, unmappable) = encoding.encode(text);
            assert!(!unmappable, "{name} cannot hold {text}");
            tried += 1;
            let read = decode(&bytes, None);
            if read.text != *text || read.doubt.is_some() {
                wrong.push(format!("{name}: {:?} {}", read.doubt, read.text));
            }
        }
    }
    assert!(tried >= 20, "{tried}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn wide_encodings_are_told_with_and_without_a_mark() {
    for (text, _) in TEXTS {
        let text = text.replace(['，', '。'], ", ");
        let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let utf32 = |order: fn(u32) -> [u8; 4]| {
            text.chars()
                .flat_map(|c| order(u32::from(c)))
                .collect::<Vec<u8>>()
        };
        let forms = [
            ("UTF-16LE", utf16(u16::to_le_bytes), &[0xff, 0xfe][..]),
            ("UTF-16BE", utf16(u16::to_be_bytes), &[0xfe, 0xff]),
            ("UTF-32LE", utf32(u32::to_le_bytes), &[0xff, 0xfe, 0, 0]),
            ("UTF-32BE", utf32(u32::to_be_bytes), &[0, 0, 0xfe, 0xff]),
        ];
        for (name, bytes, mark) in forms {
            assert_eq!(decode(&bytes, None).text, text, "{name} without a mark");
            let marked = [mark, &bytes].concat();
            assert_eq!(decode(&marked, None).text, text, "{name} with a mark");
            assert_eq!(narrow(&bytes), text.as_bytes(), "{name}");
        }
    }
}

#[test]
fn utf8_is_taken_for_itself_whatever_is_declared() {
    let read = decode("Grüße aus Łódź".as_bytes(), Some("windows-1252"));
    assert_eq!((read.text.as_str(), read.doubt), ("Grüße aus Łódź", None));
    assert_eq!(
        decode(b"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac \xff!", None).text,
        "äöüß€ \u{fffd}!"
    );
}

#[test]
fn what_is_declared_decides_where_bytes_do_not() {
    let read = decode(b"P\xf8\xedjemce", Some("windows-1250"));
    assert_eq!((read.text.as_str(), read.doubt), ("Příjemce", None));
    assert_eq!(
        declared_in(b"<?xml version='1.0' encoding='ISO-8859-5'?><a/>").as_deref(),
        Some("iso-8859-5")
    );
    assert_eq!(
        declared_in(b"<html><meta http-equiv=x content=\"text/html; charset=Shift_JIS\">").as_deref(),
        Some("shift_jis")
    );
    assert_eq!(declared_in(b"<p>no word of it</p>"), None);
}

#[test]
fn a_guess_from_few_characters_is_doubtful_and_one_that_does_not_matter_is_not() {
    // A single byte: é in the west, й in Russia, ι in Greece; all of Latin agree.
    let read = decode(b"Caf\xe9 au lait", None);
    assert_eq!((read.text.as_str(), read.doubt), ("Café au lait", None));
    assert_eq!(decode(b"Gr\xfc\xdfe", None).text, "Grüße");
    let thin = decode(b"Kom\xe8 12", None);
    assert!(thin.doubt.is_some(), "{thin:?}");
    let odd = decode(b"abc", Some("x-made-up"));
    assert_eq!((odd.text.as_str(), odd.doubt), ("abc", None));
    let odd = decode(b"na\xefve", Some("x-made-up"));
    assert!(odd.doubt.is_some_and(|doubt| doubt.contains("x-made-up")));
}
