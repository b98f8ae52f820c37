//! Risk: an order that a person would agree with.

use docmill_core::review::{Signs, risk};

#[test]
fn worse_results_come_first() {
    let good = Signs {
        grounded: 10,
        ..Signs::default()
    };
    let order = [
        good,
        Signs {
            ungrounded: 1,
            grounded: 999,
            ..good
        },
        Signs {
            repaired: true,
            ..good
        },
        Signs {
            partial: true,
            ..good
        },
        Signs { findings: 1, ..good },
        Signs { findings: 3, ..good },
        Signs {
            grounded: 0,
            ungrounded: 10,
            ..good
        },
        Signs {
            grounded: 0,
            ungrounded: 10,
            findings: 1,
            repaired: true,
            ..good
        },
    ];
    for pair in order.windows(2) {
        assert!(
            risk(&pair[0]) < risk(&pair[1]),
            "{:?} {} {:?} {}",
            pair[0],
            risk(&pair[0]),
            pair[1],
            risk(&pair[1])
        );
    }
    assert_eq!(risk(&good), 0);
}

#[test]
fn doubtful_text_counts_in_a_line_and_everything_together_ends_at_1000() {
    let ocr = |confidence| {
        risk(&Signs {
            ocr_confidence: Some(confidence),
            ..Signs::default()
        })
    };
    assert_eq!(
        [ocr(95), ocr(90), ocr(70), ocr(50), ocr(0)],
        [0, 0, 100, 200, 200]
    );
    let worst = Signs {
        grounded: 0,
        ungrounded: usize::MAX,
        findings: usize::MAX,
        repaired: true,
        partial: true,
        ocr_confidence: Some(0),
    };
    assert_eq!(risk(&worst), 1000);
}
