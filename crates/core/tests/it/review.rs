//! Risk: an order that a person would agree with.

use docmill_core::review::{NEEDS_A_LOOK, Signs, risk};

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
fn what_is_missing_counts_by_how_much_of_it_there_is() {
    let of = |empty, missing| {
        risk(&Signs {
            grounded: 3,
            fields: 12,
            empty,
            missing,
            ..Signs::default()
        })
    };
    assert!(of(3, 0) < 30, "a few empty fields say little: {}", of(3, 0));
    assert!(
        of(11, 0) >= NEEDS_A_LOOK,
        "nearly nothing was found: {}",
        of(11, 0)
    );
    assert!(
        of(3, 2) >= NEEDS_A_LOOK,
        "two that have to be there: {}",
        of(3, 2)
    );
    for empty in 1..=12 {
        assert!(of(empty - 1, 0) <= of(empty, 0) && of(empty, 0) < of(empty, 1));
    }
    assert_eq!(of(12, 9), of(12, 3));
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
        fields: usize::MAX,
        empty: usize::MAX,
        missing: usize::MAX,
    };
    assert_eq!(risk(&worst), 1000);
}
