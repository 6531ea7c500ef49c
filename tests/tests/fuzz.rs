//! The fuzz targets of this directory over their committed corpora and over seeded mutations of them: a bounded stand-in for
//! cargo-fuzz in every test run.

#[path = "../fuzz/targets.rs"]
mod targets;

use wharf_tests::mutate::smoke;

macro_rules! smoke_tests {
    ($($test:ident: $target:ident;)*) => {
        $(#[test] fn $test() { smoke(env!("CARGO_MANIFEST_DIR"), stringify!($target), targets::$target); })*
    };
}

smoke_tests! {
    cni_configurations_never_panic: cni_config;
    env_files_never_panic: ecs_config;
    native_files_never_panic: agent_toml;
    image_names_never_panic_and_what_is_read_is_read_as_itself_again: image_reference;
    documents_of_images_never_panic: image_document;
    saved_records_never_panic: store_record;
    requests_to_the_endpoint_never_panic_and_are_told_of_their_own_task_alone: metadata_request;
    events_of_containerd_never_panic: container_event;
    task_definitions_never_panic: task_definition;
    payloads_never_panic: payload;
    users_of_images_never_panic_and_nobody_is_who_stands_in_no_file: user_files;
    archives_of_images_never_panic: image_archive;
    inscriptions_never_panic_and_what_is_read_can_be_taken_over: inscription;
    logs_of_the_store_never_panic: store_log;
    logs_of_containers_never_panic_and_move_no_terminal: container_log;
    credentials_of_the_agent_never_panic_and_are_not_quoted: agent_credentials;
    requests_of_operators_never_panic: introspection_request;
    results_of_cni_never_panic: cni_result;
    output_of_containers_never_panics_and_no_byte_is_lost: container_output;
    answers_of_the_kernel_never_panic: kernel_answers;
    command_lines_never_panic: command_line;
    rows_of_the_control_plane_never_panic_and_what_is_read_can_be_gone_on_with: plane_rows;
    tokens_of_pages_never_panic_and_lead_to_the_end: page_token;
    messages_of_the_control_plane_never_panic_and_a_node_takes_them_in: control_message;
    reports_of_agents_never_panic_and_take_no_state_back: state_change;
    variables_of_cni_never_panic: cni_environment;
    arguments_of_the_logger_never_panic: logger_arguments;
    marks_of_the_store_never_panic_and_what_is_read_is_written_as_itself_again: store_mark;
    databases_never_panic: store_file;
    placement_constraints_never_panic_and_their_opposites_hold_elsewhere: placement_expression;
}

#[test]
fn the_corpora_say_something() {
    let corpus =
        |file: &str| std::fs::read(format!("{}/fuzz/corpus/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert_eq!(targets::plane::readable(&corpus("plane_rows/two-tasks")), [1, 1, 1, 2, 2]);
    let usages =
        |file: &str| targets::kernel::Files::saying(&String::from_utf8(corpus(file)).unwrap()).usages();
    let [v1, _] = usages("kernel_answers/v1");
    assert_eq!((v1.cpu_user_ns, v1.memory_limit, v1.oom_kills), (1_200_000_000, None, Some(2)));
    assert_eq!((v1.memory_cache, v1.io_read_bytes), (4096, 4096));
    let [_, v2] = usages("kernel_answers/v2");
    assert_eq!((v2.cpu_user_ns, v2.memory_limit, v2.oom_kills), (803_000_000, Some(1 << 28), Some(1)));
    assert_eq!((v2.memory_cache, v2.io_read_bytes), (4096, 1024));
}
