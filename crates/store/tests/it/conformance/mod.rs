//! What every store promises, whatever it is made of. Each case takes a fresh store;
//! `every_case!` makes a test of each for one kind of store.

pub mod access;
pub mod ingest;
pub mod lists;
pub mod model;
pub mod money;
pub mod people;
pub mod recovery;
pub mod states;
pub mod values;
pub mod work;

/// One test for each case; `$fixture` makes a fresh store.
macro_rules! every_case {
    ($fixture:path) => {
        every_case! { $fixture:
            access::the_last_lasting_admin_stays,
            access::a_session_is_what_its_key_is_now,
            access::the_audit_log_is_a_chain_that_is_only_added_to,
            ingest::new_known_duplicate_and_unsupported_documents_are_told_apart,
            ingest::what_reading_found_is_kept,
            ingest::a_batch_is_made_once_and_found_by_what_people_type,
            lists::every_order_shows_each_document_once_forwards_and_backwards,
            lists::pages_by_number_are_the_same_pages,
            lists::filters_show_what_matches_and_say_how_many,
            lists::names_are_searched_by_substring_and_without_case,
            lists::documents_that_change_do_not_shift_the_pages_of_others,
            lists::a_cursor_of_another_list_is_refused,
            lists::failures_are_grouped_with_the_newest_example,
            lists::results_come_in_order,
            money::concurrent_calls_never_reserve_more_than_the_budget,
            money::a_call_is_settled_once,
            money::what_was_certainly_not_billed_is_given_back,
            money::what_may_have_been_billed_goes_on_counting,
            money::a_cost_above_the_worst_case_is_paid_and_reported,
            money::absurd_usage_harms_nobody,
            money::an_answer_is_paid_once_across_batches,
            money::a_bad_answer_is_not_found_again,
            money::a_lost_lease_is_settled_all_the_same,
            people::a_correction_is_kept_beside_what_the_model_gave,
            people::two_reviewers_do_not_overwrite_each_other_unseen,
            people::what_has_no_result_is_not_reviewed,
            people::reviews_filter_lists,
            people::a_list_is_gone_through_document_by_document,
            people::many_are_skipped_assigned_and_approved_at_once,
            people::what_happened_is_summed_by_interval,
            people::jobs_go_on_where_they_were_until_somebody_ends_them,
            people::small_things_are_kept_by_name,
            people::who_changes_one_thing_leaves_the_rest_as_it_is,
            people::batches_are_sorted_searched_counted_and_archived,
            recovery::the_dead_lose_their_leases_and_their_calls_count_at_worst_case,
            recovery::a_late_answer_replaces_the_worst_case_by_the_truth,
            recovery::of_a_cancelled_batch_nothing_returns_to_the_queue,
            recovery::a_worker_that_retires_gives_everything_back,
            values::lists_follow_the_values_forwards_and_backwards,
            values::lists_show_what_meets_the_conditions_on_values,
            values::values_that_are_not_prepared_are_said,
            values::what_is_forgotten_has_no_values,
            values::results_that_come_while_an_index_is_begun_are_in_it,
            states::only_what_the_table_allows_happens,
            states::a_batch_ends_only_when_nothing_is_left,
            states::a_budget_is_exhausted_only_when_nothing_is_in_flight,
            states::raising_the_budget_lets_an_exhausted_batch_go_on,
            states::failed_documents_are_retried_by_code_and_number,
            states::cancelling_flips_what_waits_and_lets_calls_end,
            states::the_log_is_complete_and_in_order,
            states::another_process_is_heard_at_once,
            work::documents_are_leased_in_order_and_to_one_worker,
            work::who_is_not_registered_gets_nothing,
            work::nothing_is_leased_before_its_time,
            work::a_clock_that_is_set_back_makes_nobody_wait,
            work::a_batch_that_does_not_run_gives_nothing,
            work::a_document_has_exactly_one_result,
        }
    };
    ($fixture:path: $($module:ident::$case:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let fixture = $fixture();
                crate::conformance::$module::$case(&fixture).await;
            }
        )+
    };
}
pub(crate) use every_case;
