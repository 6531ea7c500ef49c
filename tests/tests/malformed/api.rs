//! Answers of the ECS API, head and body, to the real client.

use crate::peer::api;
use crate::tally::{Tally, protocol_corpus};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use wharf_protocol::api::{RegisterContainerInstanceRequest, SubmitTaskStateChangeRequest};
use wharf_tests::scripted::{CLUSTER_ARN, INSTANCE_ARN};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n";

pub async fn answers() -> Tally {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = api(format!("http://{}", listener.local_addr().unwrap()));
    let (next, answer) = watch::channel(Vec::new());
    let server = tokio::spawn(serve(listener, answer));
    let mut calls = 0_u32;
    let tally = Tally::run_async("API answers", whole_answers(), async |input| {
        next.send_replace(input.to_vec());
        calls += 1;
        // What comes of it is the caller's affair; that something comes of it in time is what is asked here.
        match calls % 3 {
            0 => drop(client.submit_task_state_change(&SubmitTaskStateChangeRequest::default()).await),
            1 => {
                client.distrust_endpoints();
                drop(client.discover_poll_endpoint(INSTANCE_ARN, CLUSTER_ARN).await);
            }
            _ => {
                let request = RegisterContainerInstanceRequest::default();
                drop(client.register_container_instance(&request).await);
            }
        }
    })
    .await;
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled(), "the peer itself did not fail");
    tally
}

/// The recorded bodies, each as an answer of success, of an error and in pieces.
fn whole_answers() -> Vec<Vec<u8>> {
    let mut bodies = protocol_corpus("api");
    bodies.push(br#"{"endpoint":"http://127.0.0.1:1/","telemetryEndpoint":"http://127.0.0.1:1/"}"#.to_vec());
    let whole = |body: &Vec<u8>| {
        let length = format!("Content-Length: {}\r\n\r\n", body.len());
        let ok = [HEAD.as_bytes(), length.as_bytes(), body].concat();
        let refused = [b"HTTP/1.1 400 Bad Request\r\n", length.as_bytes(), body].concat();
        let pieces = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len());
        [ok, refused, [pieces.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()]
    };
    bodies.iter().flat_map(whole).collect()
}

/// Answers each connection with the answer of the moment and closes it.
async fn serve(listener: TcpListener, answer: watch::Receiver<Vec<u8>>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let bytes = answer.borrow().clone();
        read_request(&mut stream).await;
        // The client may have seen enough already.
        drop(stream.write_all(&bytes).await);
        drop(stream.shutdown().await);
    }
}

async fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).to_lowercase();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.split("content-length: ").nth(1)?.lines().next()?.parse::<usize>().ok()?;
        (body.len() >= length).then_some(())
    };
    while whole(&request).is_none() {
        if stream.read_buf(&mut request).await.unwrap() == 0 {
            return;
        }
    }
}
