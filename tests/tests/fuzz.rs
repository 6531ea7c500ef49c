//! The fuzz targets of this directory over their committed corpora and over seeded mutations of them: a bounded stand-in for
//! cargo-fuzz in every test run.

#[path = "../fuzz/targets.rs"]
mod targets;

use wharf_core::event::Desired;
use wharf_core::node::Node;
use wharf_protocol::api;
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

fn corpus(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fuzz/corpus/{file}", env!("CARGO_MANIFEST_DIR"))).expect("it is committed")
}

fn text(file: &str) -> String {
    String::from_utf8(corpus(file)).expect("it is text")
}

#[test]
fn the_rows_of_the_corpus_can_be_read() {
    assert_eq!(targets::plane::readable(&corpus("plane_rows/two-tasks")), [1, 1, 1, 2, 2]);
    assert_eq!(targets::plane::readable(&corpus("plane_rows/running")), [1, 1, 1, 1, 1]);
}

#[test]
fn the_reports_of_the_corpus_bring_tasks_further() {
    let statuses = |file: &str| {
        let request: api::SubmitTaskStateChangeRequest = api::decode(&corpus(file)).unwrap();
        let told = |task| targets::plane::told(task, request.clone()).unwrap().status.as_str();
        targets::plane::reported().into_iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(statuses("state_change/attached"), ["DEACTIVATING", "PENDING", "RUNNING"]);
    assert_eq!(statuses("state_change/running"), ["DEACTIVATING", "RUNNING", "RUNNING"]);
    assert_eq!(statuses("state_change/stopped"), ["STOPPED", "STOPPED", "STOPPED"]);
}

#[test]
fn the_messages_of_the_corpus_are_understood_and_mean_something() {
    let stop = targets::heard(&text("control_message/TaskStopVerificationAck")).unwrap().unwrap().unwrap();
    let mut node = targets::node::with_a_task();
    let desired = |node: &Node| node.tasks().values().map(|task| task.desired()).collect::<Vec<_>>();
    assert_eq!(desired(&node), [Desired::Running]);
    node.step(vec![stop], targets::node::NOW);
    assert_eq!(desired(&node), [Desired::Stopped], "the stop of its one task was confirmed");
    for (file, is_event) in [
        ("AttachTaskNetworkInterfacesMessage", true),
        ("TaskManifestMessage", true),
        ("IAMRoleCredentialsMessage", false),
    ] {
        let made = targets::heard(&text(&format!("control_message/{file}"))).unwrap();
        assert_eq!(made.map(|event| event.is_some()), Ok(is_event), "{file}");
    }
}

#[test]
fn the_kernels_of_the_corpus_count() {
    let usages = |file: &str| targets::kernel::Files::saying(&text(file)).usages();
    let [v1, _] = usages("kernel_answers/v1");
    assert_eq!((v1.cpu_user_ns, v1.memory_limit, v1.oom_kills), (1_200_000_000, None, Some(2)));
    assert_eq!((v1.memory_cache, v1.io_read_bytes), (4096, 4096));
    let [_, v2] = usages("kernel_answers/v2");
    assert_eq!((v2.cpu_user_ns, v2.memory_limit, v2.oom_kills), (803_000_000, Some(1 << 28), Some(1)));
    assert_eq!((v2.memory_cache, v2.io_read_bytes), (4096, 1024));
    let [v1, v2] = usages("kernel_answers/too-much");
    assert_eq!((v1.cpu_user_ns, v1.system_cpu_ns, v2.io_read_bytes), (u64::MAX, u64::MAX, u64::MAX));
}

#[test]
fn the_databases_of_the_corpus_can_be_read() {
    assert_eq!(targets::files::rows(&corpus("store_file/empty")), Ok(0));
    assert_eq!(targets::files::rows(&corpus("store_file/rows")), Ok(2));
}
