//! Prices: monotone, never above the worst case, rounded up only.

use docmill_core::money::PicoPerToken;
use docmill_core::price::{CallBound, Price};
use docmill_core::usage::Usage;
use proptest::prelude::*;

fn any_price() -> impl Strategy<Value = Price> {
    let rate = || 0..1_000_000_000_u64;
    (rate(), prop::option::of(rate()), prop::option::of(rate()), rate()).prop_map(
        |(input, cached, write, output)| Price {
            input: PicoPerToken(input),
            cached_input: cached.map(PicoPerToken),
            cache_write: write.map(PicoPerToken),
            output: PicoPerToken(output),
            origin: "test".to_owned(),
        },
    )
}

fn any_usage() -> impl Strategy<Value = Usage> {
    let tokens = || 0..2_000_000_u64;
    (tokens(), tokens(), tokens(), tokens()).prop_map(|(input, cached, write, output)| Usage {
        input_tokens: input,
        cached_input_tokens: cached,
        cache_write_tokens: write,
        output_tokens: output,
    })
}

proptest! {
    /// Any answer inside the limits costs at most the worst case, however much of the
    /// prompt came from or went into the provider's cache.
    #[test]
    fn no_answer_within_the_limits_costs_more_than_the_worst_case(
        price in any_price(), usage in any_usage(), more_input in 0..1000_u64, more_output in 0..1000_u64,
    ) {
        let bound = CallBound {
            input_tokens: usage.total_input() + more_input,
            output_tokens: usage.output_tokens + more_output,
        };
        prop_assert!(price.cost(&usage).unwrap() <= price.worst_case(&bound).unwrap());
    }

    /// More tokens never cost less.
    #[test]
    fn cost_is_monotone(price in any_price(), usage in any_usage(), more in any_usage()) {
        prop_assert!(price.cost(&usage).unwrap() <= price.cost(&usage.plus(&more)).unwrap());
    }

    /// The cost is the exact sum, rounded up by less than one nano-dollar.
    #[test]
    fn it_is_rounded_up_once(price in any_price(), usage in any_usage()) {
        let exact = price.input.times(usage.input_tokens)
            + price.cached_input.unwrap_or(price.input).times(usage.cached_input_tokens)
            + price.cache_write.unwrap_or(price.input).times(usage.cache_write_tokens)
            + price.output.times(usage.output_tokens);
        let nanos = u128::try_from(price.cost(&usage).unwrap().nanos()).unwrap();
        prop_assert!(nanos * 1000 >= exact && nanos * 1000 < exact + 1000);
    }

    /// Figures that cannot be stored are refused, never wrapped around.
    #[test]
    fn absurd_figures_are_refused(rate: u64, tokens: u64) {
        let price = Price { input: PicoPerToken(rate), output: PicoPerToken(rate), ..Price::free("test") };
        let usage = Usage { input_tokens: tokens, output_tokens: tokens, ..Usage::default() };
        let exact = (u128::from(rate) * u128::from(tokens)).saturating_mul(2);
        match price.cost(&usage) {
            Ok(cost) => prop_assert_eq!(u128::try_from(cost.nanos()).unwrap(), exact.div_ceil(1000)),
            Err(_) => prop_assert!(exact.div_ceil(1000) > u128::from(i64::MAX.unsigned_abs())),
        }
    }
}
